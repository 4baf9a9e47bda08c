/* Mirrors fcgi/upstream/sse.c and sse_event.c.  The oracle of a stream in pieces is the whole one. */
#include "fcgi/upstream/sse.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static const struct stream {
    const char *text;
    bool between, has_done;
    size_t complete; /* bytes up to the end of the last whole event */
} streams[] = {
    {"", true, false, 0},
    {"data: a\n\n", true, false, 9},
    {"data: a\r\n\r\n", true, false, 11},
    {"data: a\r\r", true, false, 9},
    {"data: a\n\ndata: b", false, false, 9},
    {"data: a\n\ndata: b\n", false, false, 9},
    {"data: a\r\n\r\ndata: b\r", false, false, 11},
    {"data: a\r\n", false, false, 0},
    {"data: a\r\n\r\ndata: b\r\ndata: c\r\n", false, false, 11},
    {"data: a\n\r\n", true, false, 10},
    {"\n\n\n", true, false, 3},
    {": a comment\n", true, false, 12},
    {": a\n: b\r\n:\r", true, false, 11},
    {"data: a\n: a comment\n", false, false, 0},
    {"\xef\xbb\xbf"
     "data: [DONE]\n\n",
     true, true, 17},
    {"\xef\xbb"
     "data: [DONE]\n\n",
     true, false, 16},
    {"\n\xef\xbb\xbf"
     "data: [DONE]\n\n",
     true, false, 18},
    {"\xef\xbb\xbf", true, false, 0},
    {": a comment\n\n", true, false, 13},
    {"id: 7\ndata: a\n\n", true, false, 15},
    {"id\n\n", true, false, 4},
    {"id:\r\n\r\n", true, false, 7},
    {"idle: 1\n\n", true, false, 9},
    {"data: id: 7\n\n", true, false, 13},
    {"data: [DONE]\n\n", true, true, 14},
    {"data:[DONE]\r\n\r\n", true, true, 15},
    {"data: [DONE]\r\r", true, true, 14},
    {"data: a\n\ndata: [DONE]", false, false, 9},
    {"data:  [DONE]\n\n", true, false, 15},
    {"data: [DON\n\ndata: E]\n\n", true, false, 22},
    {"data: [done]\n\n", true, false, 14},
    {" data: [DONE]\n\n", true, false, 15},
    {"data: {\"a\":\"data: [DONE]\"}\n\n", true, false, 28},
    {"event: x\ndata: [DONE]\nid: 1\n\n: bye\n\n", true, true, 36},
};

#define STREAMS (sizeof(streams) / sizeof(streams[0]))

/* Scans LEN bytes at AT; *COMPLETE as in struct stream. */
static void scan(struct sse *s, const char *text, size_t at, size_t len,
                 size_t *complete)
{
    size_t n = sse_scan(s, text + at, len);

    CU_ASSERT_TRUE(n <= len);
    if (n > 0)
        *complete = at + n;
}

static void is_as_told(const struct stream *t, const struct sse *s,
                       size_t complete)
{
    CU_ASSERT_EQUAL(sse_is_between(s), t->between);
    CU_ASSERT_EQUAL(s->has_done, t->has_done);
    CU_ASSERT_EQUAL(complete, t->complete);
}

static void a_stream_in_one_piece(void)
{
    size_t i, complete;

    for (i = 0; i < STREAMS; i++) {
        struct sse s = {.len = 0};

        complete = 0;
        scan(&s, streams[i].text, 0, strlen(streams[i].text), &complete);
        is_as_told(&streams[i], &s, complete);
    }
}

static void a_stream_in_three_pieces(void)
{
    size_t i, j, k, len, complete;

    for (i = 0; i < STREAMS; i++) {
        len = strlen(streams[i].text);
        for (j = 0; j <= len; j++) {
            for (k = j; k <= len; k++) {
                struct sse s = {.len = 0};

                complete = 0;
                scan(&s, streams[i].text, 0, j, &complete);
                scan(&s, streams[i].text, j, k - j, &complete);
                scan(&s, streams[i].text, k, len - k, &complete);
                is_as_told(&streams[i], &s, complete);
            }
        }
    }
}

static void a_stream_byte_by_byte(void)
{
    size_t i, at, complete;

    for (i = 0; i < STREAMS; i++) {
        struct sse s = {.len = 0};

        complete = 0;
        for (at = 0; at < strlen(streams[i].text); at++)
            scan(&s, streams[i].text, at, 1, &complete);
        is_as_told(&streams[i], &s, complete);
    }
}

static void an_unfinished_last_line_counts(void)
{
    struct sse s = {.len = 0};

    (void)sse_scan(&s, "data: a\n\ndata: [DONE]", 21);
    CU_ASSERT_FALSE(s.has_done);
    sse_end(&s);
    CU_ASSERT_TRUE(s.has_done);
    CU_ASSERT_FALSE(sse_is_between(&s));
}

static void a_long_line_is_one_line(void)
{
    struct sse s = {.len = 0};
    char text[1000];

    memset(text, 'x', sizeof(text));
    CU_ASSERT_EQUAL(sse_scan(&s, text, sizeof(text)), 0);
    CU_ASSERT_EQUAL(sse_scan(&s, "data: [DONE]\n", 13), 0);
    CU_ASSERT_FALSE(s.has_done);
    CU_ASSERT_EQUAL(sse_scan(&s, "\n", 1), 1);
    CU_ASSERT_TRUE(sse_is_between(&s));
}

/* ---- what events say ------------------------------------------------------ */

#define DELTA                                                                  \
    "event: response.output_text.delta\n"                                      \
    "data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n"

static const struct saying {
    const char *text;
    bool has_error, has_last;
} sayings[] = {
    {"", false, false},
    {DELTA, false, false},
    /* its last events, by the type of their data or by their name */
    {DELTA "event: response.completed\ndata: {\"type\":\"response.completed\","
           "\"response\":{\"error\":null,\"output\":[]}}\n\n",
     false, true},
    {"data: {\"type\":\"response.completed\"}\n\n", false, true},
    {"data: {\"response\":{\"output\":[{\"type\":\"message\"}]},"
     "\"sequence_number\":7 , \"type\" : \"response.completed\" }\r\n\r\n",
     false, true},
    {"event:response.completed\rdata:{}\r\r", false, true},
    {"data: {\"type\":\n\ndata: \"response.completed\"}\n\n", false, false},
    {"data: {\"type\":\ndata: \"response.completed\"}\n\n", false, true},
    {"data: {\"type\":\"response.incomplete\"}\n\n", false, true},
    {DELTA "data: {\"type\":\"response.failed\",\"response\":{\"error\":"
           "{\"code\":\"server_error\"}}}\n\n",
     true, true},
    {"event: response.failed\ndata: {}\n\n", true, true},
    {DELTA "event: error\ndata: {\"type\":\"error\",\"code\":null}\n\n", true,
     true},
    {"data: {\"type\":\"error\"}\n\n", true, true},
    {"event: error\ndata: {}\n\n", true, true},
    {"event: error\ndata: it broke\n\n", true, false},
    /* no more than a part of one */
    {"event: response.completed\ndata: {\"type\":\"response.completed\"}\n",
     false, false},
    {"event: response.completed\n\n", false, false},
    {"data: {\"type\":\"response.completed\",\"response\":{\n\n", false, false},
    {"event: response.failed\n", false, false},
    /* what SDKs throw at */
    {"data: {\"error\":{\"message\":\"x\"}}\n\n", true, true},
    {"data:{\"id\":\"x\",\"error\":{\"message\":\"x\"}}\n\n", true, true},
    {"data: { \"error\" : \"x\" }\n\n", true, true},
    {"data: {\"error\":true}\n\n", true, true},
    {"data: {\"error\":500}\n\n", true, true},
    {"data: {\"choices\":[],\"error\":null}\n\n", false, false},
    {"data: {\"error\":\"\",\"a\":\"b\"}\n\n", false, false},
    {"data: {\"error\":false,\"a\":1}\n\n", false, false},
    {"data: {\"error\":0,\"a\":{}}\n\n", false, false},
    /* and what only looks like it */
    {"data: {\"delta\":{\"error\":{},\"type\":\"error\"}}\n\n", false, false},
    {"data: [{\"type\":\"error\"}]\n\n", false, false},
    {"data: {\"a\":[\"type\",\"error\",\"error\",{}],\"b\":\"error\"}\n\n",
     false, false},
    {"data: {\"delta\":\"\\\",\\\"type\\\":\\\"error\\\",\\\\\"}\n\n", false,
     false},
    {"data: {\"content\":\"event: error\\n\\ndata: {\\\"error\\\":{}}\"}\n\n",
     false, false},
    {"data: event: error\n\n", false, false},
    {"data: {\"type\":\"errors\"}\n\n", false, false},
    {"event: response.completed_but_much_longer_than_a_line\ndata: {}\n\n",
     false, false},
    {"events: error\nevent : error\ndata: {}\n\n", false, false},
    {": event: error\n\ndata: {}\n\n", false, false},
    {"data: }]{\"type\":\"x\"}\n\n", false, false},
    {"data: {\"type\":\"error\n\ndata: {}\n\n", false, false},
};

#define SAYINGS (sizeof(sayings) / sizeof(sayings[0]))

static void is_as_said(const struct saying *t, const struct sse *s)
{
    CU_ASSERT_EQUAL(s->has_error, t->has_error);
    CU_ASSERT_EQUAL(s->has_last, t->has_last);
    CU_ASSERT_EQUAL(sse_has_ended(s, ENDS_RESPONSE),
                    t->has_last || t->has_error);
    CU_ASSERT_EQUAL(sse_has_ended(s, ENDS_MESSAGE),
                    t->has_last || t->has_error);
    CU_ASSERT_EQUAL(sse_has_ended(s, ENDS_DONE), t->has_error);
    if (s->has_error != t->has_error || s->has_last != t->has_last)
        printf("\n    error %d, last %d: %s", s->has_error, s->has_last,
               t->text);
}

static void what_events_say_wherever_they_are_cut(void)
{
    size_t i, at, again, len;

    for (i = 0; i < SAYINGS; i++) {
        const char *text = sayings[i].text;

        len = strlen(text);
        for (at = 0; at <= len; at++) {
            for (again = at; again <= len; again++) {
                struct sse s = {.len = 0};

                (void)sse_scan(&s, text, at);
                (void)sse_scan(&s, text + at, again - at);
                (void)sse_scan(&s, text + again, len - again);
                is_as_said(&sayings[i], &s);
            }
        }
    }
}

/* Whatever comes in a stream's last piece: an event without its blank line is
 * none, and nobody's SDK hands it out. */
static void an_unfinished_last_event_is_none(void)
{
    static const char text[] = "data: {\"type\":\"response.completed\"}";
    struct sse s = {.len = 0};

    (void)sse_scan(&s, text, strlen(text));
    sse_end(&s);
    CU_ASSERT_FALSE(sse_has_ended(&s, ENDS_RESPONSE));
}

static void each_route_has_its_own_end(void)
{
    static const char done[] = "data: [DONE]\n\n";
    static const char last[] = "data: {\"type\":\"response.completed\"}\n\n";
    struct sse s = {.len = 0}, t = {.len = 0};

    (void)sse_scan(&s, done, strlen(done));
    CU_ASSERT_TRUE(sse_has_ended(&s, ENDS_DONE));
    CU_ASSERT_TRUE(sse_has_ended(&s, ENDS_ANYHOW));
    CU_ASSERT_TRUE(
        sse_has_ended(&s, ENDS_RESPONSE)); /* who says so, means it */
    CU_ASSERT_FALSE(sse_has_ended(&t, ENDS_ANYHOW));
    (void)sse_scan(&t, last, strlen(last));
    CU_ASSERT_FALSE(sse_has_ended(&t, ENDS_DONE));
    CU_ASSERT_TRUE(sse_has_ended(&t, ENDS_ANYHOW));
    CU_ASSERT_TRUE(sse_has_ended(&t, ENDS_RESPONSE));
}

static const struct unit_test tests[] = {
    {"a stream is what it is, in one piece", a_stream_in_one_piece},
    {"and wherever it is cut into three", a_stream_in_three_pieces},
    {"and byte by byte", a_stream_byte_by_byte},
    {"at its end an unfinished line counts", an_unfinished_last_line_counts},
    {"a line longer than what is kept of it is one line",
     a_long_line_is_one_line},
    {"what events say, wherever they are cut",
     what_events_say_wherever_they_are_cut},
    {"at its end an unfinished event is none",
     an_unfinished_last_event_is_none},
    {"each route has an end of its own", each_route_has_its_own_end},
    {NULL, NULL},
};

CU_ErrorCode test_sse_add(void)
{
    return unit_add("sse", tests);
}
