/*
 * fuzz_responses.c - is what we say in the words of Responses always sound?
 *
 * Input: a byte (what it is), a byte (how it is asked for), and bytes: a
 * request, an answer, or a stream, in which 0xff cuts.
 *
 * A request is an object that chat completions could be, or a fault with words;
 * an answer is a response, or nothing is written; a stream is read by a client
 * of ours (fold_response.h) to its end or to an error, the same wherever it was
 * cut.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "fcgi/messages/event_data.h"
#include "fcgi/responses/responses_stream.h"
#include "fold_response.h"

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

/* What an answer knows: of a request with tools of every kind. */
static void learn(struct responses_got *got)
{
    static const char body[] =
        "{\"model\":\"m\\\"\",\"input\":\"x\",\"tools\":[{\"type\":\"custom\","
        "\"name\":\"f\"},{\"type\":\"namespace\",\"name\":\"n\",\"tools\":[{"
        "\"type\":\"function\",\"name\":\"g\"}]}]}";
    static const struct messages_ask ask = {.model = NULL};
    struct messages_fault fault;
    struct buf out = {NULL, 0, 0, 0};

    CHECK(responses_request(body, sizeof(body) - 1, &ask, &out, got, &fault) ==
          0);
    buf_free(&out);
}

/* ---- requests --------------------------------------------------------------- */

/* Every message has a role that is known and content, or calls. */
static void check_chat(struct json_object *root)
{
    struct json_object *list = folded(root, "messages");
    size_t i, n = json_object_array_length(list);

    CHECK(n > 0 && *folded_text(root, "model"));
    for (i = 0; i < n; i++) {
        struct json_object *m = json_object_array_get_idx(list, i);
        const char *role = folded_text(m, "role");

        CHECK(strcmp(role, "system") != 0 || i == 0);
        CHECK(strcmp(role, "tool") != 0 || folded_text(m, "tool_call_id"));
        (void)folded(m, "content");
    }
}

static void try_request(const char *text, size_t len, uint8_t how)
{
    struct messages_ask ask = {.reasoning_key =
                                   how & 4 ? "reasoning_content" : NULL,
                               .max_tokens = how & 16 ? 5 : 0};
    struct responses_got got;
    struct messages_fault fault;
    struct buf out = {NULL, 0, 0, 0}, echo = out;

    if (responses_request(text, len, &ask, &out, &got, &fault) == 0) {
        struct json_object *root;

        out.len--; /* as fcgi/thinking_ask.c has it */
        messages_thinking(got.thinks, got.effort, how % 4, &out);
        buf_str(&out, "}");
        root = parse(&out);
        check_chat(root);
        json_object_put(root);
        CHECK(messages_tokens(&got.tokens, how * 1000) > 0);
        buf_str(&echo, "{\"a\":1");
        buf_add(&echo, buf_head(&got.echo), got.echo.len);
        buf_str(&echo, "}");
        json_object_put(parse(&echo));
    } else {
        CHECK(out.len == 0 && fault.words[0] != '\0');
        CHECK(buf_is_utf8(fault.words, strlen(fault.words)));
        CHECK(!fuzz_has_control(fault.words));
        CHECK(fault.status == 400 || fault.status == 413);
    }
    responses_got_fini(&got);
    buf_free(&out);
    buf_free(&echo);
}

/* ---- answers ---------------------------------------------------------------- */

static void check_response(struct json_object *r)
{
    struct json_object *output = folded(r, "output"), *usage;
    size_t i;

    CHECK(strcmp(folded_text(r, "id"), "resp_1") == 0);
    usage = folded(r, "usage");
    CHECK(json_object_get_int64(folded(usage, "total_tokens")) >= 0);
    for (i = 0; i < json_object_array_length(output); i++) {
        struct json_object *item = json_object_array_get_idx(output, i);
        const char *type = folded_text(item, "type");

        CHECK(*folded_text(item, "id"));
        if (strcmp(type, "function_call") == 0)
            CHECK(*folded_text(item, "call_id") && *folded_text(item, "name"));
    }
}

static void try_answer(const char *text, size_t len,
                       const struct responses_told *told)
{
    struct buf out = {NULL, 0, 0, 0};

    if (responses_answer(text, len, told, &out) == 0) {
        struct json_object *root = parse(&out);

        check_response(root);
        json_object_put(root);
    } else {
        CHECK(out.len == 0);
    }
    buf_free(&out);
}

/* ---- streams ---------------------------------------------------------------- */

struct hearing {
    struct responses_stream s;
    struct event_data e;
    enum chat_event was;
    struct buf out;
};

static void hear(struct hearing *h, const char *p, const char *end)
{
    while (h->was == CHAT_PART && event_data_next(&h->e, &p, end))
        h->was = chat_stream_event(&h->s.chat, buf_head(&h->e.data),
                                   h->e.data.len, &h->out);
}

/* At once, or cut at each 0xff, which is no part of it. */
static bool hear_all(struct hearing *h, const char *text, size_t len, bool cut)
{
    const char *end = text + len, *p, *stop;
    struct buf all = {NULL, 0, 0, 0};
    bool is_whole;

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
    if (h->was >= CHAT_ERROR)
        chat_stream_fail(&h->s.chat, 500, "words", &h->out);
    is_whole = chat_stream_end(&h->s.chat, &h->out);
    responses_stream_fini(&h->s);
    event_data_fini(&h->e);
    buf_free(&all);
    return is_whole;
}

static void try_stream(const char *text, size_t len,
                       const struct responses_told *told)
{
    struct hearing once = {.was = CHAT_PART}, cut = once;
    struct json_object *r;
    bool is_whole;

    responses_stream_init(&once.s, told);
    responses_stream_init(&cut.s, told);
    is_whole = hear_all(&once, text, len, false);
    r = fold_response(buf_head(&once.out), once.out.len);
    CHECK(is_whole == (r != NULL));
    if (r != NULL)
        check_response(r);
    CHECK(hear_all(&cut, text, len, true) == is_whole);
    CHECK(once.out.len == cut.out.len);
    CHECK(memcmp(buf_head(&once.out), buf_head(&cut.out), cut.out.len) == 0);
    json_object_put(r);
    buf_free(&once.out);
    buf_free(&cut.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t what = take_byte(&in) % 3, how = take_byte(&in);
    char *text = fuzz_copy(in.at, in.left);
    struct responses_got got;
    const struct responses_told told = {
        .id = "1", .now_s = 7, .got = &got, .tokens_in = 7};

    learn(&got);
    if (what == 0)
        try_request(text, in.left, how);
    else if (what == 1)
        try_answer(text, in.left, &told);
    else
        try_stream(text, in.left, &told);
    responses_got_fini(&got);
    free(text);
    return 0;
}
