/*
 * token_guess.c - how many tokens might that be?
 *
 * A text by its runs (text_tokens.c).  What was learned of a model says by how
 * much that is too much or too little.
 *
 * An image costs by its area, as Anthropic says: a 750th of its pixels, if its
 * first bytes tell how many there are, 1600 at most, and 1600 if not.
 *
 * Each member of an object is gone through once, but for what no model reads.
 * Its name counts, too.  Of a message a template makes marks of its own; tools,
 * and what they were called with, it shows as JSON.
 */
#include "fcgi/messages/token_guess.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/messages/image_size.h"
#include "fcgi/messages/json_read.h"
#include "fcgi/messages/text_tokens.h"
#include "lib/base.h"

#define IMAGE_TOKENS 1600
#define IMAGE_PIXELS 750 /* a token */

/* In thousandths: what is around a member's name and value, in a message and as
 * JSON, and what a template says of tools before the first. */
#define MEMBER_M      500
#define MEMBER_JSON_M 3500
#define TOOLS_M       100000

/* ---- texts ------------------------------------------------------------------ */

static int64_t text_m(const char *text, size_t len)
{
    struct text_tokens t = {0, 0, 0, 0};

    text_tokens_add(&t, text, len);
    return text_tokens_m(&t);
}

int64_t token_guess_scale(int64_t tokens_m, int64_t ratio_m)
{
    int64_t by = ratio_m > 0
                     ? min_i64(max_i64(ratio_m, RATIO_MIN_M), RATIO_MAX_M)
                     : 1000;

    return (int64_t)((double)tokens_m * (double)by / 1e6 + 0.999);
}

int64_t messages_tokens(const struct messages_tokens *t, int64_t ratio_m)
{
    return max_i64(1, t->sure + token_guess_scale(t->texts_m, ratio_m));
}

/* ---- images ----------------------------------------------------------------- */

static int64_t of_image(struct json_object *block)
{
    size_t len;
    const char *data =
        json_read_text(json_read_member(block, "source"), "data", &len);
    uint32_t width, height;
    uint64_t n; /* both may be as large as they can be */

    if (data == NULL || !image_size(data, len, &width, &height))
        return IMAGE_TOKENS;
    n = (uint64_t)width * height / IMAGE_PIXELS + 1;
    return min_i64((int64_t)n, IMAGE_TOKENS);
}

/* ---- trees ------------------------------------------------------------------ */

struct guess {
    struct messages_tokens *tokens;
    int64_t member_m; /* of what is being gone through */
};

static void add_value(struct guess *g, struct json_object *v);
static void add_json(struct guess *g, struct json_object *v);

static bool is_read(const char *key)
{
    static const char *const unread[] = {"cache_control", "signature",
                                         "tool_use_id", "call_id",
                                         "encrypted_content"};
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
        g->tokens->sure += of_image(v);
        return;
    }
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
        key = json_object_iter_peek_name(&it);
        if (!is_read(key))
            continue;
        g->tokens->texts_m += text_m(key, strlen(key)) + g->member_m;
        if (strcmp(key, "input") == 0)
            add_json(g, json_object_iter_peek_value(&it));
        else
            add_value(g, json_object_iter_peek_value(&it));
    }
}

static void add_json(struct guess *g, struct json_object *v)
{
    struct guess inner = {g->tokens, MEMBER_JSON_M};

    add_value(&inner, v);
}

/* As deep as its reader has bounded it. */
static void add_value(struct guess *g, struct json_object *v)
{
    size_t i, n;

    switch (json_object_get_type(v)) {
    case json_type_string:
        g->tokens->texts_m += text_m(json_object_get_string(v),
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
        g->tokens->texts_m += MEMBER_M;
    }
}

void token_guess_request(struct json_object *root, struct messages_tokens *out)
{
    static const char *const read[] = {"system", "instructions", "messages",
                                       "input"};
    struct json_object *tools = json_read_list(root, "tools"), *v;
    struct guess g = {out, MEMBER_M};
    size_t i;

    *out = (struct messages_tokens){0, 0};
    if (tools != NULL && json_object_array_length(tools) > 0) {
        out->texts_m += TOOLS_M;
        add_json(&g, tools);
    }
    for (i = 0; i < ARRAY_LEN(read); i++) {
        v = json_read_member(root, read[i]);
        if (v != NULL)
            add_value(&g, v);
    }
}
