/*
 * fuzz_messages_models.c - are lists of models and errors always Anthropic's?
 *
 * Input: two bytes (a status), and a list, whose bytes are the error's words,
 * too.
 *
 * A list has a name and a time for each, and its first and last; or nothing is
 * written.  An error has a type that is known, and says what it was given.
 */
#include "fcgi/upstream/listing.h"
#include "sound.h"

static void check_model(struct json_object *m)
{
    const char *at = fold_text(m, "created_at");

    CHECK(fold_is(m, "model") && fold_text(m, "id") != NULL);
    CHECK(fold_text(m, "display_name") != NULL);
    CHECK(strlen(at) == 20 && at[4] == '-' && at[10] == 'T' && at[19] == 'Z');
}

static void check_list(struct json_object *root)
{
    struct json_object *list = fold_get(root, "data");
    size_t i, n = json_object_array_length(list);

    for (i = 0; i < n; i++)
        check_model(json_object_array_get_idx(list, i));
    if (n == 0) {
        CHECK(fold_get(root, "first_id") == NULL);
        CHECK(fold_get(root, "last_id") == NULL);
        return;
    }
    CHECK(
        json_object_equal(fold_get(root, "first_id"),
                          fold_get(json_object_array_get_idx(list, 0), "id")));
    CHECK(json_object_equal(
        fold_get(root, "last_id"),
        fold_get(json_object_array_get_idx(list, n - 1), "id")));
}

static void try_models(const char *text, size_t len, unsigned how)
{
    const struct messages_page page = {how % 4, how & 4 ? "a" : NULL,
                                       how & 8 ? "b" : NULL};
    struct json_object *list = json_object_new_array(), *root;
    struct buf body = {NULL, 0, 0, 0}, out = {NULL, 0, 0, 0};

    buf_add(&body, text, len);
    (void)listing_read(list, &body);
    if (messages_models(list, &page, &out) == 0) {
        root = sound_json(&out, len);
        check_list(root);
        json_object_put(root);
    } else {
        CHECK(out.len == 0 && (page.after != NULL || page.before != NULL));
    }
    json_object_put(list);
    buf_free(&body);
    buf_free(&out);
}

static void try_error(int status, const char *words)
{
    struct buf out = {NULL, 0, 0, 0};
    struct json_object *root, *error;
    const char *type = messages_error_type(status);
    char told[MESSAGES_TOLD];

    messages_error(status, words, &out);
    words = messages_error_words(status, words, told);
    root = sound_json(&out, strlen(words));
    error = fold_get(root, "error");
    CHECK(fold_is(root, "error") && fold_is(error, type));
    CHECK(!buf_is_utf8(words, strlen(words)) ||
          strcmp(fold_text(error, "message"), words) == 0);
    json_object_put(root);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    int status = (int16_t)take_number(&in, 2);
    char *text = fuzz_copy(in.at, in.left);

    try_models(text, in.left, (unsigned)status);
    try_error(status, text);
    free(text);
    return 0;
}
