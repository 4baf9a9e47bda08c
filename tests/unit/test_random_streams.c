/*
 * Whole streams of each API, at random: line ends, comments, ids, sizes, pieces.
 * Each passes byte for byte, and none is taken for one that was cut.
 */
#include <stdio.h>
#include <string.h>

#include "fcgi/relay.h"
#include "relay_stage.h"
#include "unit.h"

#define STREAMS 3334 /* of each of three */

static uint64_t state;

/* splitmix64 (G. Steele, D. Lea, C. Flood, 2014): the same numbers each time. */
static uint64_t random_to(uint64_t n)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % n;
}

static const struct api {
    const char *path;
    const char *name;             /* of an event in the middle; NULL: none */
    const char *open, *close;     /* its data, around a text */
    const char *last_name, *last; /* the event that ends the stream */
} apis[] = {
    {"/v1/chat/completions", NULL,
     "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}", NULL,
     "[DONE]"},
    {"/v1/responses", "response.output_text.delta",
     "{\"type\":\"response.output_text.delta\",\"delta\":\"", "\"}",
     "response.completed", "{\"type\":\"response.completed\"}"},
    {"/v1/messages", "content_block_delta",
     "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"", "\"}}",
     "message_stop", "{\"type\":\"message_stop\"}"},
};

/* What stands in an answer: also what looks like something else. */
static void put_text(struct buf *b)
{
    static const char *const words[] = {"a",
                                        " the",
                                        "\\n",
                                        "\\\"",
                                        "data: ",
                                        "[DONE]",
                                        "{\\\"error\\\":1}",
                                        "\xe6\xbc\xa2",
                                        "event: error",
                                        "\\\\",
                                        "}",
                                        "]",
                                        "finish_reason",
                                        ":"};
    size_t n = random_to(200) == 0 ? 20000 : random_to(30);

    while (n-- > 0)
        buf_str(b, words[random_to(ARRAY_LEN(words))]);
}

static void put_event(struct buf *b, const struct api *api, const char *eol)
{
    if (random_to(8) == 0)
        buf_fmt(b, ": a comment%s%s", eol, random_to(2) == 0 ? eol : "");
    if (random_to(8) == 0)
        buf_fmt(b, "id: %u%s", (unsigned)random_to(1000), eol);
    if (random_to(16) == 0)
        buf_fmt(b, "retry: 10%s", eol);
    if (api->name != NULL)
        buf_fmt(b, "event: %s%s", api->name, eol);
    buf_fmt(b, "data:%s%s", random_to(2) == 0 ? " " : "", api->open);
    put_text(b);
    buf_fmt(b, "%s%s%s", api->close, eol, eol);
}

static void make(struct buf *b, const struct api *api)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    const char *eol = ends[random_to(3)];
    size_t n = 1 + random_to(6);

    while (n-- > 0)
        put_event(b, api, eol);
    if (api->last_name != NULL)
        buf_fmt(b, "event: %s%s", api->last_name, eol);
    buf_fmt(b, "data: %s%s%s", api->last, eol, eol);
}

static bool passes(const struct api *api)
{
    struct buf b = {NULL, 0, 0, 0};
    const char *said, *body;
    struct stage st;
    size_t at, n;
    bool whole;

    make(&b, api);
    stage_open(&st, api->path, "text/event-stream");
    relay_head(&st.x, &st.head, SNIFF_EVENTS);
    for (at = 0; at < b.len; at += n) {
        n = 1 + random_to(random_to(2) == 0 ? 7 : 3000);
        n = n < b.len - at ? n : b.len - at;
        relay_body(&st.x, buf_head(&b) + at, n);
    }
    whole = relay_has_ended(&st.x) && relay_finish(&st.x) &&
            !relay_tells_error(&st.x);
    said = stage_hear(&st);
    body = strstr(said, "\r\n\r\n");
    whole = whole && body != NULL &&
            st.said.len == (size_t)(body + 4 - said) + b.len &&
            memcmp(body + 4, buf_head(&b), b.len) == 0;
    stage_close(&st);
    buf_free(&b);
    return whole;
}

static void each_passes_byte_for_byte(void)
{
    size_t i, k, faults = 0;

    for (i = 0; i < ARRAY_LEN(apis); i++)
        for (k = 0; k < STREAMS; k++) {
            state = i * STREAMS + k;
            if (passes(&apis[i]))
                continue;
            if (faults++ < 3)
                printf("\n    stream %zu of %s\n", k, apis[i].path);
        }
    CU_ASSERT_EQUAL(faults, 0);
}

static const struct unit_test tests[] = {
    {"each passes byte for byte, and is whole", each_passes_byte_for_byte},
    {NULL, NULL},
};

CU_ErrorCode test_random_streams_add(void)
{
    return unit_add("random streams", tests);
}
