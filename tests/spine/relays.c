/*
 * relays.c - what does the client see of an answer, piece by piece?
 */
#include <string.h>

#include "fcgi/config/bounds.h"
#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define STOP                                                                   \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define OK "ok 200 none none x1"

/* ---- what passes ------------------------------------------------------------------ */

static struct stage *relaying(const char *target, const char *ask,
                              const char *headers, const char *body)
{
    struct stage *st = stage_new(SPEAKS_MESSAGES);

    stage_ask(st, "POST", target, ask);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, headers);
    CU_ASSERT_TRUE(wire_body(st->s.up, body));
    stage_settle(st);
    return st;
}

static struct stage *streaming(void)
{
    return relaying("/v1/chat/completions", CHAT_STREAM, SSE, HI);
}

static void an_event_that_is_not_whole_is_held(void)
{
    struct stage *st = streaming();

    (void)wire_body(st->s.up, "data: {\"half\":");
    stage_settle(st);
    NEVER_SAID(st, "half");
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    BROKEN(st);
    NEVER_SAID(st, "half");
    stage_free(st);
}

static void one_that_is_too_long_is_torn_and_ended(void)
{
    static char much[EVENT_MAX + 1024];
    struct stage *st = streaming();

    memset(much, 'x', sizeof(much) - 1);
    memcpy(much, "data: {", 7);
    (void)wire_body(st->s.up, much);
    stage_settle(st);
    SAID(st, "data: {xxx");
    stage_pass(st, 10000); /* no sign of life stands within an event */
    NEVER_SAID(st, ": waiting");
    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    BROKEN(st);
    SAID(st, "xxx\n\ndata: {\"error\":{");
    stage_free(st);
}

/* Silence of the upstream's is its own: whoever counts lines has none more. */
static void no_sign_of_life_stands_between_events(void)
{
    struct stage *st = streaming();

    stage_pass(st, 100000);
    NEVER_SAID(st, "\n:");
    (void)wire_body(st->s.up, STOP DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, HI STOP DONE);
    stage_free(st);
}

static void an_end_does_not_wait_for_its_connection(void)
{
    struct stage *st = streaming();

    (void)wire_body(st->s.up, DONE);
    stage_pass(st, 299);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 1);
    ENDED(st);
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 0);
    NOTED(st, OK);
    TOLD(st, "join, sent, report fine accepted, body gone, done");
    stage_free(st);
}

static void an_error_within_a_stream_is_no_success(void)
{
    struct stage *st = streaming();

    (void)wire_body(st->s.up, "data: {\"error\":{\"message\":\"no " KEY
                              "\",\"code\":500}}\n\n");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    BROKEN(st);
    SAID(st, "\"message\":\"no ****");
    NEVER_SAID(st, KEY);
    NOTED(st, "upstream_error 200 none none x1");
    SENDS(st, "server");
    stage_free(st);
}

/* Its client has a part of the answer, and nothing goes again; but others would
 * meet the same. */
static void the_limiter_hears_of_a_late_refusal(void)
{
    struct stage *st = streaming();

    (void)wire_body(st->s.up, "data: {\"choices\":[]}\n\ndata: {\"error\":"
                              "{\"message\":\"Overl");
    (void)wire_body(st->s.up, "oaded\",\"type\":\"rate_limit_error\",\"code\":"
                              "429}}\n\n");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    BROKEN(st);
    TOLD(st, "join, sent, report fine accepted, body gone, report busy, done");
    stage_free(st);
}

static void anthropics_errors_bear_their_names(void)
{
    struct stage *st =
        relaying("/v1/messages", CHAT_STREAM, SSE,
                 "event: content_block_delta\ndata: {\"type\":"
                 "\"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\n");

    wire_end(st->s.up, END_LOST, "");
    stage_settle(st);
    BROKEN(st);
    SAID(st, "event: error\ndata: {\"type\":\"error\",\"error\":{");
    stage_free(st);
}

static void each_piece_shows_that_it_lives(void)
{
    struct stage *st = streaming();
    int i;

    for (i = 0; i < 3; i++) {
        stage_pass(st, 299000); /* idle_s is 300 */
        CU_ASSERT_TRUE(wire_body(st->s.up, HI));
    }
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 299999);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 1);
    BROKEN(st);
    NOTED(st, "upstream_error 504 none none x1");
    SENDS(st, "timeout");
    stage_free(st);
}

/* ---- too much of it ---------------------------------------------------------------- */

static void a_client_that_is_slow_holds_the_upstream(void)
{
    static char piece[16385];
    struct stage *st = relaying("/v1/audio/speech", "{\"model\":\"a/b\"}",
                                "Content-Type: audio/mpeg\n", "ID3");
    int i;

    memset(piece, 'x', sizeof(piece) - 1);
    st->is_deaf = true;
    for (i = 0; i < 1000 && wire_body(st->s.up, piece); i++)
        stage_settle(st);
    CU_ASSERT_TRUE(i > 4 && i < 1000);
    CU_ASSERT_FALSE(wire_wakes(st->s.up));
    stage_pass(st, 200000); /* the upstream is not to blame */
    CU_ASSERT_FALSE(stage_is_over(st));
    st->is_deaf = false;
    for (i = 0; i < 100 && !wire_wakes(st->s.up); i++)
        stage_pass(st, 0);
    CU_ASSERT_TRUE(i < 100);
    CU_ASSERT_TRUE(wire_body(st->s.up, "END"));
    wire_end(st->s.up, END_OK, "");
    for (i = 0; i < 100 && !st->closed; i++)
        stage_pass(st, 0);
    ENDED(st);
    SAID(st, "xEND");
    NOTED(st, OK);
    stage_free(st);
}

/* Nor is the upstream for its silence: it is not read meanwhile. */
static void who_takes_little_is_waited_for(void)
{
    static char piece[16385];
    struct stage *st = stage_new(NULL);

    memset(piece, 'x', sizeof(piece) - 1);
    st->is_deaf = true;
    stage_ask(st, "POST", "/v1/audio/speech", "{\"model\":\"a/b\"}");
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, "Content-Type: audio/mpeg\n");
    while (wire_body(st->s.up, piece))
        stage_settle(st);
    stage_pass(st, 200000);
    stage_take(st, 4 * DEAF_BYTES); /* all that is on its way */
    stage_pass(st, 200000);
    CU_ASSERT_FALSE(wire_wakes(st->s.up)); /* it is full all the time */
    CU_ASSERT_EQUAL(fake_under_way(st->s.up), 1);
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 300000);
    CU_ASSERT_TRUE(stage_is_over(st));
    NOTED(st, "hangup 499 none relay x1");
    stage_free(st);
}

/* Json of which more comes than is held: from then on it passes. */
static void long_json(const char *end, bool is_whole)
{
    static char much[HOLD_MAX + 2];
    struct stage *st =
        relaying("/v1/embeddings", "{\"model\":\"a/b\",\"input\":\"x\"}", JSON,
                 "{\"data\":\"");
    int i;

    memset(much, 'x', sizeof(much) - 1);
    CU_ASSERT_EQUAL(st->said.len, 0);
    (void)wire_body(st->s.up, much);
    stage_settle(st);
    for (i = 0; i < 100 && !wire_body(st->s.up, end); i++)
        stage_pass(st, 0);
    wire_end(st->s.up, END_OK, "");
    for (i = 0; i < 100 && !st->closed; i++)
        stage_pass(st, 1);
    stage_pass(st, 100);
    CU_ASSERT_EQUAL(st->ended, is_whole);
    NOTED(st, is_whole ? OK : "truncated 502 none none x1");
    stage_free(st);
}

static void long_json_passes(void)
{
    long_json("\"}", true);
}

static void and_is_broken_off_where_it_is_cut(void)
{
    long_json("x", false);
}

static const struct spine_test tests[] = {
    {"an event that is not whole is held", an_event_that_is_not_whole_is_held},
    {"one that is too long is torn, and ended",
     one_that_is_too_long_is_torn_and_ended},
    {"no sign of life stands between events",
     no_sign_of_life_stands_between_events},
    {"an end does not wait for its connection",
     an_end_does_not_wait_for_its_connection},
    {"an error within a stream is no success",
     an_error_within_a_stream_is_no_success},
    {"the limiter hears of a late refusal",
     the_limiter_hears_of_a_late_refusal},
    {"Anthropic's errors bear their names", anthropics_errors_bear_their_names},
    {"relay: deadline: each piece shows that it lives",
     each_piece_shows_that_it_lives},
    {"a client that is slow holds the upstream",
     a_client_that_is_slow_holds_the_upstream},
    {"relay: deadline: who takes little is waited for",
     who_takes_little_is_waited_for},
    {"long JSON passes", long_json_passes},
    {"and is broken off where it is cut", and_is_broken_off_where_it_is_cut},
    {NULL, NULL},
};

CU_ErrorCode relays_add(void)
{
    return spine_add("relays", tests);
}
