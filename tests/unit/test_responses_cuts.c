/*
 * A stream is the same response as the whole, wherever its bytes are cut: random
 * answers, read by a client of ours (tests/fuzz/fold_response.h).
 */
#include <json-c/json.h>

#include "fcgi/messages/event_data.h"
#include "fcgi/messages/json_write.h"
#include "fcgi/responses/responses_stream.h"
#include "lib/base.h"
#include "responses_lab.h"
#include "tests/fuzz/fold_response.h"

#define ANSWERS 2000
#define CALLS   3

static uint64_t state;

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014): the same numbers each time. */
static size_t random_to(size_t n)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ z >> 31) % n);
}

/* An answer as both a whole and a stream of chat. */
struct sample {
    struct buf whole, stream;
};

static void put_words(struct buf *b, size_t most)
{
    static const char *const words[] = {
        "a",        " the", "\n", "\"", "\\",           "<think>",
        "</think>", "{}",   "\t", "</", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80"};
    size_t n = random_to(most + 1);

    while (n-- > 0)
        buf_str(b, words[random_to(ARRAY_LEN(words))]);
}

static void put_text(struct buf *b, const char *text, size_t len)
{
    json_write_text(b, len > 0 ? text : "", len);
}

/* TEXT from *AT on, some whole characters of it. */
static size_t next_piece(const struct buf *text, size_t at)
{
    size_t n = 1 + random_to(9), left = text->len - at;

    n = n < left ? n : left;
    while (n < left && ((unsigned char)buf_head(text)[at + n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* A delta of the stream for each piece of TEXT; around it BEFORE and BEHIND. */
static void put_deltas(struct buf *stream, const struct buf *text,
                       const char *before, const char *behind)
{
    size_t at, n;

    for (at = 0; at < text->len; at += n) {
        n = next_piece(text, at);
        buf_fmt(stream, "data: {\"choices\":[{\"delta\":{%s", before);
        put_text(stream, buf_head(text) + at, n);
        buf_fmt(stream, "%s}}]}%s", behind,
                random_to(2) == 0 ? "\r\n\r\n" : "\n\n");
    }
}

static void put_said(struct sample *s, const char *key, size_t most)
{
    struct buf text = {NULL, 0, 0, 0};
    char before[64];

    put_words(&text, most);
    (void)snprintf(before, sizeof(before), "\"%s\":", key);
    buf_fmt(&s->whole, "%s", before);
    put_text(&s->whole, text.len > 0 ? buf_head(&text) : "", text.len);
    put_deltas(&s->stream, &text, before, "");
    buf_free(&text);
}

static void put_arguments(struct buf *b)
{
    static const char *const odd[] = {"", "null", "[1]", "{\"a\":1}{\"a\":1}"};
    size_t i = random_to(3 * ARRAY_LEN(odd));
    struct buf text = {NULL, 0, 0, 0};

    if (i < ARRAY_LEN(odd)) {
        buf_str(b, odd[i]);
        return;
    }
    put_words(&text, 9);
    buf_str(b, "{\"input\":");
    put_text(b, text.len > 0 ? buf_head(&text) : "", text.len);
    buf_str(b, "}");
    buf_free(&text);
}

static void put_call(struct sample *s, size_t i)
{
    static const char *const names[] = {"f", "p", "n__g", "n__p"};
    const char *name = names[random_to(ARRAY_LEN(names))];
    struct buf text = {NULL, 0, 0, 0};
    char before[128];

    put_arguments(&text);
    buf_fmt(&s->whole,
            "%s{\"id\":\"c%zu\",\"function\":{\"name\":\"%s\",\"arguments\":",
            i > 0 ? "," : ",\"tool_calls\":[", i, name);
    put_text(&s->whole, text.len > 0 ? buf_head(&text) : "", text.len);
    buf_str(&s->whole, "}}");
    buf_fmt(&s->stream,
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%zu,"
            "\"id\":\"c%zu\",\"function\":{\"name\":\"%s\"}}]}}]}\n\n",
            i, i, name);
    (void)snprintf(
        before, sizeof(before),
        "\"tool_calls\":[{\"index\":%zu,\"function\":{\"arguments\":", i);
    put_deltas(&s->stream, &text, before, "}}]");
    buf_free(&text);
}

static void make(struct sample *s)
{
    static const char *const reasons[] = {"stop", "length", "tool_calls",
                                          "content_filter"};
    static const char usage[] =
        ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5}";
    const char *reason = reasons[random_to(ARRAY_LEN(reasons))];
    size_t i, calls = random_to(CALLS + 1);

    *s = (struct sample){.whole = {NULL, 0, 0, 0}};
    buf_str(&s->whole, "{\"choices\":[{\"message\":{");
    if (random_to(2) == 0) {
        put_said(s, "reasoning_content", 6);
        buf_str(&s->whole, ",");
    }
    put_said(s, "content", 12);
    for (i = 0; i < calls; i++)
        put_call(s, i);
    buf_fmt(&s->whole, "%s},\"finish_reason\":\"%s\"}]%s}%c",
            calls > 0 ? "]" : "", reason, usage, '\0');
    s->whole.len--;
    buf_fmt(&s->stream,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]%s}"
            "\n\ndata: [DONE]\n\n",
            reason, usage);
}

/* The bytes of the stream, in pieces of any length. */
static void hear(const struct sample *s, const struct responses_told *told,
                 struct buf *out)
{
    const char *p = buf_head(&s->stream), *end = p + s->stream.len;
    struct event_data e = {.is_told = false};
    struct responses_stream r;

    responses_stream_init(&r, told);
    while (p < end) {
        size_t n = 1 + random_to(random_to(2) == 0 ? 5 : 300);
        const char *stop = n < (size_t)(end - p) ? p + n : end;

        while (event_data_next(&e, &p, stop))
            CU_ASSERT_TRUE(chat_stream_event(&r.chat, buf_head(&e.data),
                                             e.data.len, out) <= CHAT_DONE);
    }
    CU_ASSERT_TRUE(chat_stream_end(&r.chat, out));
    responses_stream_fini(&r);
    event_data_fini(&e);
}

static bool is_same(const struct sample *s, const struct responses_told *told)
{
    struct buf whole = {NULL, 0, 0, 0}, once = whole, cut = whole;
    struct json_object *a, *b;
    bool same;

    CU_ASSERT_EQUAL(
        responses_answer(buf_head(&s->whole), s->whole.len, told, &whole), 0);
    buf_add(&whole, "", 1);
    a = json_strict_object(buf_head(&whole), whole.len - 1);
    hear(s, told, &once);
    hear(s, told, &cut);
    b = fold_response(buf_head(&once), once.len);
    same = a != NULL && json_object_equal(a, b) && once.len == cut.len &&
           memcmp(buf_head(&once), buf_head(&cut), cut.len) == 0;
    if (!same)
        printf("\n    whole  %s\n    stream %s\n", buf_head(&whole),
               json_object_to_json_string(b));
    json_object_put(a);
    json_object_put(b);
    buf_free(&whole);
    buf_free(&once);
    buf_free(&cut);
    return same;
}

static void a_stream_is_the_response_of_the_whole(void)
{
    struct responses_got got;
    const struct responses_told told = {
        .id = "1", .now_s = 5, .got = &got, .tokens_in = 7};
    size_t same = 0, i;

    state = 1;
    lab_ask(&got);
    for (i = 0; i < ANSWERS && same == i; i++) {
        struct sample s;

        make(&s);
        same += is_same(&s, &told);
        buf_free(&s.whole);
        buf_free(&s.stream);
    }
    responses_got_fini(&got);
    CU_ASSERT_EQUAL(same, ANSWERS);
}

CU_ErrorCode test_responses_cuts_add(void)
{
    static const struct unit_test tests[] = {
        {"a stream is the response of the whole, wherever it is cut",
         a_stream_is_the_response_of_the_whole},
        {NULL, NULL}};

    return unit_add("responses_cuts", tests);
}
