/*
 * fuzz_messages.c - is what we say in the other API's words always sound?
 *
 * Input: a byte (what it is), a byte (how it is asked for), and bytes: a
 * request, an answer, a list of models, or a stream, in which 0xff cuts.
 *
 * A request is an object that chat completions could be, or a fault with words;
 * an answer is a message, or nothing is written; a stream is read by a client of
 * ours (fold.h) to its end or to an error, the same wherever it was cut.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/messages/event_data.h"
#include "fcgi/messages/messages_stream.h"
#include "fold.h"

/* All of OUT is one JSON object; the caller's. */
static struct json_object *parse(struct buf *out)
{
    struct json_object *root;

    CHECK(buf_is_utf8(buf_head(out), out->len));
    buf_add(out, "", 1);
    root = json_strict_object(buf_head(out), out->len - 1);
    CHECK(root != NULL);
    return root;
}

static bool is_one_line(const char *words)
{
    return words[0] != '\0' && buf_is_utf8(words, strlen(words)) &&
           !fuzz_has_control(words);
}

/* ---- requests --------------------------------------------------------------- */

/* Every message has a role that is known and content, or calls. */
static void check_chat(struct json_object *root)
{
    struct json_object *list = fold_get(root, "messages");
    size_t i, n = json_object_array_length(list);

    CHECK(n > 0 && *fold_text(root, "model"));
    CHECK(json_object_get_int64(fold_get(root, "max_tokens")) > 0);
    for (i = 0; i < n; i++) {
        struct json_object *m = json_object_array_get_idx(list, i);
        const char *role = fold_text(m, "role");

        CHECK(strcmp(role, "system") != 0 || i == 0);
        CHECK(strcmp(role, "tool") != 0 || fold_text(m, "tool_call_id"));
        CHECK(strcmp(role, "assistant") == 0 || fold_get(m, "content"));
        (void)fold_get(m, "content");
    }
}

static void try_request(const char *text, size_t len, uint8_t how)
{
    struct messages_ask ask = {.thinking = (enum messages_thinking)(how % 3),
                               .reasoning_key =
                                   how & 4 ? "reasoning_content" : NULL,
                               .may_continue = how & 8,
                               .max_tokens = how & 16 ? 5 : 0};
    struct messages_got got;
    struct messages_fault fault;
    struct buf out = {NULL, 0, 0, 0};
    int64_t tokens = 0;

    if (messages_request(text, len, &ask, &out, &got, &fault) == 0) {
        struct json_object *root = parse(&out);

        check_chat(root);
        json_object_put(root);
        CHECK(messages_count(text, len, 0, &tokens, &fault) == 0);
        CHECK(tokens == got.tokens_in && tokens > 0);
    } else {
        CHECK(out.len == 0 && is_one_line(fault.words));
        CHECK(fault.status == 400 || fault.status == 413);
    }
    buf_free(&out);
}

/* ---- answers ---------------------------------------------------------------- */

static void check_message(struct json_object *m)
{
    struct json_object *content = fold_get(m, "content");
    size_t i;

    CHECK(fold_is(m, "message") && *fold_text(m, "stop_reason"));
    CHECK(json_object_get_int64(
              fold_get(fold_get(m, "usage"), "input_tokens")) >= 0);
    for (i = 0; i < json_object_array_length(content); i++) {
        struct json_object *b = json_object_array_get_idx(content, i);

        CHECK(!fold_is(b, "text") || *fold_text(b, "text") ||
              json_object_get_string_len(fold_get(b, "text")) > 0);
        CHECK(!fold_is(b, "tool_use") || fold_get(b, "input") != NULL);
    }
}

static struct messages_told told_of(uint8_t how)
{
    struct messages_told told = {.model = "m\"",
                                 .id = "1",
                                 .has_stops = how & 4,
                                 .shown = (enum messages_shown)(how % 4),
                                 .tokens_in = 3};

    return told;
}

static void try_answer(const char *text, size_t len, uint8_t how)
{
    struct messages_told told = told_of(how);
    struct buf out = {NULL, 0, 0, 0};

    if (messages_answer(text, len, &told, &out) == 0) {
        struct json_object *root = parse(&out);

        check_message(root);
        json_object_put(root);
    } else {
        CHECK(out.len == 0);
    }
    buf_free(&out);
}

static void try_models(const char *text, size_t len)
{
    struct buf out = {NULL, 0, 0, 0};

    if (messages_models(text, len, &out) == 0)
        json_object_put(parse(&out));
    else
        CHECK(out.len == 0);
    buf_free(&out);
}

/* ---- streams ---------------------------------------------------------------- */

struct hearing {
    struct messages_told told;
    struct messages_stream s;
    struct event_data e;
    enum messages_event was;
    struct buf out;
};

static void hear(struct hearing *h, const char *p, const char *end)
{
    while (h->was == MESSAGES_PART && event_data_next(&h->e, &p, end))
        h->was = messages_stream_event(&h->s, buf_head(&h->e.data),
                                       h->e.data.len, &h->out);
}

/* At once, or cut at each 0xff, which is no part of it. */
static bool hear_all(struct hearing *h, const char *text, size_t len, bool cut)
{
    const char *end = text + len, *p, *stop;
    struct buf all = {NULL, 0, 0, 0};
    bool is_whole;

    messages_stream_init(&h->s, &h->told);
    for (p = text; p < end; p = stop + 1) {
        stop = memchr(p, 0xff, (size_t)(end - p));
        stop = stop == NULL ? end : stop;
        if (cut)
            hear(h, p, stop);
        else
            buf_add(&all, p, (size_t)(stop - p));
        if (stop == end)
            break;
    }
    if (all.len > 0)
        hear(h, buf_head(&all), buf_head(&all) + all.len);
    if (h->was >= MESSAGES_ERROR)
        messages_stream_fail(&h->s, 500, "words", &h->out);
    is_whole = messages_stream_end(&h->s, &h->out);
    messages_stream_fini(&h->s);
    event_data_fini(&h->e);
    buf_free(&all);
    return is_whole;
}

static void try_stream(const char *text, size_t len, uint8_t how)
{
    struct hearing once = {.told = told_of(how)}, cut = once;
    bool is_whole = hear_all(&once, text, len, false);
    struct json_object *m = fold(buf_head(&once.out), once.out.len);

    CHECK(is_whole == (m != NULL));
    if (m != NULL)
        check_message(m);
    CHECK(hear_all(&cut, text, len, true) == is_whole);
    CHECK(once.out.len == cut.out.len);
    CHECK(memcmp(buf_head(&once.out), buf_head(&cut.out), cut.out.len) == 0);
    json_object_put(m);
    buf_free(&once.out);
    buf_free(&cut.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t what = take_byte(&in) % 4, how = take_byte(&in);
    char *text = fuzz_copy(in.at, in.left);

    if (what == 0)
        try_request(text, in.left, how);
    else if (what == 1)
        try_answer(text, in.left, how);
    else if (what == 2)
        try_models(text, in.left);
    else
        try_stream(text, in.left, how);
    free(text);
    return 0;
}
