/*
 * A stream is the same message as the whole, wherever its words are cut and
 * however its calls are mixed: random answers, read by a client of ours
 * (tests/fuzz/fold.h).
 */
#include <json-c/json.h>

#include "fcgi/messages/json_write.h"
#include "fcgi/messages/messages_stream.h"
#include "lib/base.h"
#include "messages_lab.h"
#include "tests/fuzz/fold.h"

#define ANSWERS 3000
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

/* ---- an answer -------------------------------------------------------------- */

struct sample {
    const char *thought_key;
    struct buf thought, words, input[CALLS];
    size_t calls;
    const char *reason;
    bool has_usage;
};

static void put_words(struct buf *b, size_t most)
{
    static const char *const words[] = {
        "a",  " the",   "\n",           "\"",
        "\\", "<",      "<think>",      "</think>",
        "{}", "}",      "\t",           "</",
        "k>", "[DONE]", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80"};
    size_t n = random_to(most + 1);

    while (n-- > 0)
        buf_str(b, words[random_to(ARRAY_LEN(words))]);
}

static void put_input(struct buf *b)
{
    static const char *const odd[] = {"",       "null",  " {\"a\":\"\n\"} ",
                                      "[1]",    "\"x\"", "{\"a\":1}{\"a\":1}",
                                      "nullify"};
    size_t i = random_to(2 * ARRAY_LEN(odd));
    struct buf text = {NULL, 0, 0, 0};

    if (i < ARRAY_LEN(odd)) {
        buf_str(b, odd[i]);
        return;
    }
    put_words(&text, 9);
    buf_str(b, "{\"b\":[1,{\"c\":");
    json_write_text(b, buf_head(&text), text.len);
    buf_str(b, "}]}");
    buf_free(&text);
}

static void make(struct sample *s)
{
    static const char *const keys[] = {NULL, "reasoning_content", "reasoning"};
    static const char *const reasons[] = {"stop", "length", "tool_calls"};
    size_t i;

    *s = (struct sample){.thought_key = keys[random_to(3)],
                         .calls = random_to(CALLS + 1),
                         .reason = reasons[random_to(3)],
                         .has_usage = random_to(2) == 0};
    if (s->thought_key != NULL)
        put_words(&s->thought, 6);
    else if (random_to(2) == 0)
        buf_str(&s->words, random_to(2) == 0 ? "<think>" : "\n <think>a");
    put_words(&s->words, 12);
    for (i = 0; i < s->calls; i++)
        put_input(&s->input[i]);
}

static void drop(struct sample *s)
{
    size_t i;

    buf_free(&s->thought);
    buf_free(&s->words);
    for (i = 0; i < CALLS; i++)
        buf_free(&s->input[i]);
}

static const char usage[] =
    ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5}";

/* ---- the whole -------------------------------------------------------------- */

static void put_member(struct buf *b, const char *key, const struct buf *text)
{
    buf_fmt(b, "\"%s\":", key);
    json_write_text(b, buf_head(text), text->len);
}

static void put_whole(struct buf *b, const struct sample *s)
{
    size_t i;

    buf_str(b, "{\"choices\":[{\"message\":{");
    put_member(b, "content", &s->words);
    if (s->thought_key != NULL) {
        buf_str(b, ",");
        put_member(b, s->thought_key, &s->thought);
    }
    for (i = 0; i < s->calls; i++) {
        buf_fmt(b, "%s{\"id\":\"c%zu\",\"function\":{\"name\":\"f\",",
                i > 0 ? "," : ",\"tool_calls\":[", i);
        put_member(b, "arguments", &s->input[i]);
        buf_str(b, "}}");
    }
    buf_fmt(b, "%s},\"finish_reason\":\"%s\"}]%s}", s->calls > 0 ? "]" : "",
            s->reason, s->has_usage ? usage : "");
}

/* ---- the stream ------------------------------------------------------------- */

/* The next piece of TEXT, of which *AT bytes are gone: whole characters. */
static struct buf next_piece(const struct buf *text, size_t *at)
{
    const char *all = buf_head(text);
    size_t n = 1 + random_to(random_to(2) == 0 ? 3 : 200), left;
    struct buf piece = {NULL, 0, 0, 0};

    left = text->len - *at;
    n = n < left ? n : left;
    while (n < left && ((unsigned char)all[*at + n] & 0xc0) == 0x80)
        n++;
    buf_add(&piece, all + *at, n);
    *at += n;
    return piece;
}

static void hear(struct messages_stream *m, struct buf *event, struct buf *out)
{
    CU_ASSERT_EQUAL(messages_stream_event(m, buf_head(event), event->len, out),
                    MESSAGES_PART);
    buf_take(event, event->len);
}

static void hear_text(struct messages_stream *m, const char *key,
                      const struct buf *text, struct buf *out)
{
    struct buf event = {NULL, 0, 0, 0};
    size_t at = 0;

    while (at < text->len) {
        struct buf piece = next_piece(text, &at);

        buf_str(&event, "{\"choices\":[{\"delta\":{");
        put_member(&event, key, &piece);
        buf_str(&event, "}}]}");
        hear(m, &event, out);
        buf_free(&piece);
    }
    buf_free(&event);
}

/* A call that begins: they do so in their order. */
static void hear_begin(struct messages_stream *m, size_t i, struct buf *out)
{
    struct buf event = {NULL, 0, 0, 0};

    buf_fmt(&event,
            "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%zu,\"id\":"
            "\"c%zu\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}",
            i, i);
    hear(m, &event, out);
    buf_free(&event);
}

static void hear_calls(struct messages_stream *m, const struct sample *s,
                       struct buf *out)
{
    size_t at[CALLS] = {0}, begun = 0, i, left = 0;
    struct buf event = {NULL, 0, 0, 0};

    for (i = 0; i < s->calls; i++)
        left += s->input[i].len;
    while (begun < s->calls || left > 0) {
        struct buf piece;

        if (begun < s->calls && (begun == 0 || random_to(4) == 0))
            hear_begin(m, begun++, out);
        i = random_to(begun);
        if (at[i] == s->input[i].len)
            continue;
        piece = next_piece(&s->input[i], &at[i]);
        left -= piece.len;
        buf_fmt(&event,
                "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%zu,"
                "\"function\":{",
                i);
        put_member(&event, "arguments", &piece);
        buf_str(&event, "}}]}}]}");
        hear(m, &event, out);
        buf_free(&piece);
    }
    buf_free(&event);
}

static void put_stream(struct buf *out, const struct sample *s,
                       const struct messages_told *told)
{
    struct messages_stream m;
    struct buf event = {NULL, 0, 0, 0};

    messages_stream_init(&m, told);
    messages_stream_head(&m, out);
    if (s->thought_key != NULL)
        hear_text(&m, s->thought_key, &s->thought, out);
    hear_text(&m, "content", &s->words, out);
    if (s->calls > 0)
        hear_calls(&m, s, out);
    buf_fmt(&event, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}",
            s->reason);
    hear(&m, &event, out);
    if (s->has_usage) {
        buf_fmt(&event, "{\"choices\":[]%s}", usage);
        hear(&m, &event, out);
    }
    CU_ASSERT_TRUE(messages_stream_end(&m, out));
    messages_stream_fini(&m);
    buf_free(&event);
}

/* ---- both ------------------------------------------------------------------- */

/* Without usage what was said is estimated: by pieces, or after it was read. */
static void forget_estimate(struct json_object *message)
{
    if (message != NULL)
        json_object_object_del(message, "usage");
}

static bool is_same(const struct sample *s, const struct messages_told *told)
{
    struct buf body = {NULL, 0, 0, 0}, whole = body, stream = body;
    struct json_object *a, *b;
    bool same;

    put_whole(&body, s);
    buf_add(&body, "", 1);
    CU_ASSERT_EQUAL(
        messages_answer(buf_head(&body), body.len - 1, told, &whole), 0);
    buf_add(&whole, "", 1);
    a = json_strict_object(buf_head(&whole), whole.len - 1);
    put_stream(&stream, s, told);
    b = fold(buf_head(&stream), stream.len);
    if (!s->has_usage) {
        forget_estimate(a);
        forget_estimate(b);
    }
    same = a != NULL && json_object_equal(a, b);
    if (!same)
        printf("\n    whole  %s\n    stream %s\n", buf_head(&whole),
               json_object_to_json_string(b));
    json_object_put(a);
    json_object_put(b);
    buf_free(&body);
    buf_free(&whole);
    buf_free(&stream);
    return same;
}

static void a_stream_is_the_message_of_the_whole(void)
{
    struct messages_told told = {.model = "m", .id = "1", .tokens_in = 3};
    size_t same = 0, i;

    state = 1;
    for (i = 0; i < ANSWERS && same == i; i++) {
        struct sample s;

        told.shown = (enum messages_shown)random_to(4);
        make(&s);
        same += is_same(&s, &told);
        drop(&s);
    }
    CU_ASSERT_EQUAL(same, ANSWERS);
}

CU_ErrorCode test_messages_cuts_add(void)
{
    static const struct unit_test tests[] = {
        {"a stream is the message of the whole, wherever it is cut",
         a_stream_is_the_message_of_the_whole},
        {NULL, NULL}};

    return unit_add("messages_cuts", tests);
}
