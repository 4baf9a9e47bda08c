/*
 * fuzz_messages_request.c - is what we ask in chat's words always a request?
 *
 * Input: a byte (how the upstream is to be asked), and a body.
 *
 * A body is an object that chat completions could be, whose roles take turns and
 * whose messages say something, or a fault with words.  count_tokens agrees.
 */
#include "sound.h"

static bool is_role(struct json_object *m, const char *role)
{
    return m != NULL && strcmp(fold_text(m, "role"), role) == 0;
}

/* A system message is the first; a result follows calls or another; nobody
 * speaks twice. */
static void check_order(struct json_object *m, struct json_object *before)
{
    CHECK(!is_role(m, "system") || before == NULL);
    CHECK(!is_role(m, "tool") || !is_role(before, "user"));
    CHECK(!is_role(m, "user") || !is_role(before, "user"));
    CHECK(!is_role(m, "assistant") || !is_role(before, "assistant"));
}

static void check_calls(struct json_object *calls)
{
    size_t i;

    for (i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *call = json_object_array_get_idx(calls, i), *input;
        struct json_object *f = fold_get(call, "function");
        struct json_object *text = fold_get(f, "arguments");

        CHECK(fold_text(call, "id") != NULL && fold_text(f, "name") != NULL);
        input = json_strict_object(json_object_get_string(text),
                                   (size_t)json_object_get_string_len(text));
        CHECK(input != NULL);
        json_object_put(input);
    }
}

static bool says(struct json_object *content)
{
    return json_object_is_type(content, json_type_array)
               ? json_object_array_length(content) > 0
               : json_object_get_string_len(content) > 0;
}

static void check_words(struct json_object *m)
{
    struct json_object *content = fold_get(m, "content");
    struct json_object *calls = NULL, *thought = NULL;

    if (is_role(m, "tool"))
        CHECK(fold_text(m, "tool_call_id") &&
              json_object_is_type(content, json_type_string));
    else if (!is_role(m, "assistant"))
        CHECK(says(content));
    else {
        (void)json_object_object_get_ex(m, "tool_calls", &calls);
        (void)json_object_object_get_ex(m, "reasoning_content", &thought);
        CHECK(says(content) || calls != NULL || says(thought));
        if (calls != NULL)
            check_calls(calls);
    }
}

static void check_chat(struct json_object *root)
{
    struct json_object *list = fold_get(root, "messages"), *before = NULL;
    size_t i, n = json_object_array_length(list);

    CHECK(n > 0 && *fold_text(root, "model"));
    CHECK(json_object_get_int64(fold_get(root, "max_tokens")) > 0);
    for (i = 0; i < n; i++) {
        struct json_object *m = json_object_array_get_idx(list, i);

        check_order(m, before);
        check_words(m);
        before = m;
    }
    CHECK(!is_role(before, "assistant") ||
          json_object_get_boolean(fold_get(root, "continue_final_message")));
}

/* AS_ASKED: what the request has; NULL: it is none. */
static void check_count(const char *text, size_t len,
                        const struct messages_tokens *as_asked)
{
    struct messages_fault fault;
    struct messages_got got;

    if (messages_count(text, len, &got, &fault) != 0) {
        CHECK(as_asked == NULL && sound_line(fault.words));
        return;
    }
    CHECK(got.tokens.texts_m >= 0 && got.tokens.sure >= 0);
    CHECK(as_asked == NULL || (got.tokens.texts_m == as_asked->texts_m &&
                               got.tokens.sure == as_asked->sure));
}

static void try_request(const char *text, size_t len, uint8_t how)
{
    struct messages_ask ask = {.reasoning_key =
                                   how & 4 ? "reasoning_content" : NULL,
                               .may_continue = how & 8,
                               .max_tokens = how & 16 ? 5 : 0,
                               .usage_by_caller = how & 32};
    struct messages_got got;
    struct messages_fault fault;
    struct buf out = {NULL, 0, 0, 0};

    if (messages_request(text, len, &ask, &out, &got, &fault) == 0) {
        struct json_object *root;

        out.len--; /* as fcgi/thinking_ask.c has it */
        messages_thinking(got.thinks, got.effort, how % 4, &out);
        buf_str(&out, "}");
        root = sound_json(&out, len);
        check_chat(root);
        json_object_put(root);
        CHECK(messages_tokens(&got.tokens, how * 1000) > 0);
        check_count(text, len, &got.tokens);
    } else {
        CHECK(out.len == 0 && sound_line(fault.words));
        CHECK(fault.status == 400 || fault.status == 413);
        check_count(text, len, NULL);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t how = take_byte(&in);
    char *text = fuzz_copy(in.at, in.left);

    try_request(text, in.left, how);
    free(text);
    return 0;
}
