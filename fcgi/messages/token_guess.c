/*
 * token_guess.c - how many tokens might that be?
 *
 * A text costs by its characters: of words in Latin letters four make a token,
 * of two bytes (Greek, Cyrillic, accents) two, of three (Chinese, Kana) five
 * make four, and what is rarer costs two.  What was learned of a model says by
 * how much that is too much or too little.
 *
 * An image costs by its area, as Anthropic says: a 750th of its pixels, if its
 * first bytes tell how many there are, 1600 at most, and 1600 if not.
 *
 * Each member of an object is gone through once, but for what no model reads.
 * Its name counts, too: where a template leaves it out, it has marks instead.
 */
#include "fcgi/messages/token_guess.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/image_size.h"
#include "fcgi/messages/json_read.h"
#include "lib/base.h"
#include "lib/utf8.h"

#define IMAGE_TOKENS   1600
#define IMAGE_PIXELS   750 /* a token */
#define VALUE_TOKENS_M 500 /* its brackets, colon or comma */

/* Of bytes that begin a character, by how many it has. */
static const int64_t character_m[] = {0, 250, 500, 800, 2000};

int64_t token_guess_text_m(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    int64_t sum = 0;

    while (p < end) {
        size_t ascii = utf8_ascii(p, end), n;

        sum += (int64_t)ascii * character_m[1];
        p += ascii;
        if (p == end)
            break;
        n = utf8_len(p, end);
        n = n > 0 ? n : 1;
        sum += character_m[n];
        p += n;
    }
    return sum;
}

int64_t token_guess_scale(int64_t tokens_m, int64_t bytes_per_token_m)
{
    int64_t by = bytes_per_token_m > 0
                     ? min_i64(max_i64(bytes_per_token_m, 250), 64000)
                     : TOKEN_GUESS_BYTES_M;

    return (int64_t)((double)tokens_m * TOKEN_GUESS_BYTES_M / (double)by /
                         1000.0 +
                     0.999);
}

/* ---- images ----------------------------------------------------------------- */

static int64_t of_image(struct json_object *block)
{
    size_t len;
    const char *data =
        json_read_text(json_read_member(block, "source"), "data", &len);
    uint32_t width, height;
    int64_t n;

    if (data == NULL || !image_size(data, len, &width, &height))
        return IMAGE_TOKENS;
    n = (int64_t)width * height / IMAGE_PIXELS + 1;
    return min_i64(n, IMAGE_TOKENS);
}

/* ---- trees ------------------------------------------------------------------ */

/* Tokens of texts, scaled later, and those that are known as they are. */
struct guess {
    int64_t texts_m, sure;
};

static void add_value(struct guess *g, struct json_object *v);

static bool is_read(const char *key)
{
    static const char *const unread[] = {"cache_control", "signature",
                                         "tool_use_id", "encrypted_content"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(unread); i++)
        if (strcmp(key, unread[i]) == 0)
            return false;
    return true;
}

static void add_object(struct guess *g, struct json_object *v)
{
    struct json_object_iterator it = json_object_iter_begin(v);
    struct json_object_iterator end = json_object_iter_end(v);
    const char *key;

    if (json_read_is(v, "type", "image") ||
        json_read_is(v, "type", "input_image")) {
        g->sure += of_image(v);
        return;
    }
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        key = json_object_iter_peek_name(&it);
        if (!is_read(key))
            continue;
        g->texts_m += token_guess_text_m(key, strlen(key)) + VALUE_TOKENS_M;
        add_value(g, json_object_iter_peek_value(&it));
    }
}

/* As deep as its reader has bounded it. */
static void add_value(struct guess *g, struct json_object *v)
{
    size_t i, n;

    switch (json_object_get_type(v)) {
    case json_type_string:
        g->texts_m += token_guess_text_m(json_object_get_string(v),
                                         (size_t)json_object_get_string_len(v));
        break;
    case json_type_array:
        n = json_object_array_length(v);
        for (i = 0; i < n; i++)
            add_value(g, json_object_array_get_idx(v, i));
        break;
    case json_type_object:
        add_object(g, v);
        break;
    default:
        g->texts_m += VALUE_TOKENS_M;
    }
}

int64_t token_guess_request(struct json_object *root, int64_t bytes_per_token_m)
{
    static const char *const read[] = {"system", "instructions", "tools",
                                       "messages", "input"};
    struct guess g = {0, 0};
    size_t i;

    for (i = 0; i < ARRAY_LEN(read); i++)
        add_value(&g, json_read_member(root, read[i]));
    return max_i64(1, g.sure + token_guess_scale(g.texts_m, bytes_per_token_m));
}
