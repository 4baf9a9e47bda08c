/*
 * relays.c - what does the client see of an answer, and of the time before it?
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
#define CHOICE                                                                 \
    "{\"id\":\"1\",\"choices\":[{\"index\":0,\"message\":{\"role\":"           \
    "\"assistant\",\"content\":\"hello\"},\"finish_reason\":\"stop\"}]}"
#define OK "ok 200 none none x1"

/* ---- while it waits ------------------------------------------------------------- */

static void a_stream_hears_of_its_place(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, true);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_pass(st, 4999);
    CU_ASSERT_EQUAL(st->said.len, 0);
    stage_pass(st, 1);
    SAID(st, "Status: 200");
    SAID(st, "Content-Type: text/event-stream; charset=utf-8");
    SAID(st, "\r\n\r\n: queued position=3 eta=7s\n\n");
    st->s.lim->place.position = 2;
    st->s.lim->place.eta_ns = -1;
    stage_pass(st, 10000);
    SAID(st, "eta=7s\n\n: queued position=2\n\n");
    stage_grant(st);
    stage_pass(st, 10000);
    SAID(st, ": waiting for the upstream\n\n");
    stage_answer(st, 200, SSE, HI DONE);
    ENDED(st);
    SAID(st, HI DONE ": sluice queue_ms=15000 attempts=1\n\n");
    NOTED(st, OK);
    stage_free(st);
}

static void nobody_who_gives_up_soon_waits_long_for_it(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_STAINLESS_TIMEOUT=4");
    stage_chat(st, true);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 2000);
    SAID(st, ": queued position=0\n\n");
    stage_free(st);
}

static void json_gets_white_space_if_it_may(void)
{
    struct stage *st = stage_new("{'buffered_keepalive':true}");

    stage_chat(st, false);
    fake_wait(st->s.lim, 3, -1);
    stage_pass(st, 5000);
    SAID(st, "Content-Type: application/json");
    SAID(st, "\r\n\r\n\n");
    stage_grant(st);
    stage_pass(st, 10000);
    stage_answer(st, 200, JSON, "{\"id\":1}");
    ENDED(st);
    SAID(st, "\r\n\r\n\n\n{\"id\":1}");
    NOTED(st, OK);
    stage_free(st);
}

static void and_its_error_as_json_behind_it(void)
{
    struct stage *st = stage_new("{'buffered_keepalive':true}");

    stage_chat(st, false);
    fake_wait(st->s.lim, 3, -1);
    stage_pass(st, 5000);
    stage_cancel(st);
    ENDED(st);
    SAID(st, "Status: 200");
    SAID(st, "\r\n\r\n\n{\"error\":{\"message\":\"An operator");
    NOTED(st, "cancelled 503 cancelled none x0");
    stage_free(st);
}

static void a_silent_client_hears_nothing(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_STAINLESS_TIMEOUT=60");
    stage_chat(st, false);
    fake_wait(st->s.lim, 3, -1);
    stage_grant(st);
    stage_pass(st, 59999);
    CU_ASSERT_EQUAL(st->said.len, 0);
    stage_pass(st, 1); /* its patience is over, and so is the answer's time */
    SAID(st, "Status: 504");
    SAID(st, "\"code\":\"sluice_upstream_timeout\"");
    stage_free(st);
}

/* The upstream's own sign of life: white space before its JSON. */
static void the_upstreams_white_space_passes_once_it_lasts(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, " ");
    stage_pass(st, 4000);
    CU_ASSERT_EQUAL(st->said.len, 0);
    stage_pass(st, 1000);
    (void)wire_body(st->s.up, " ");
    stage_settle(st);
    SAID(st, "\r\n\r\n  ");
    (void)wire_body(st->s.up, "{}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "\r\n\r\n  {}");
    NOTED(st, OK);
    stage_free(st);
}

static void and_then_it_can_only_be_broken_off(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_STAINLESS_TIMEOUT=60");
    stage_chat(st, false);
    stage_grant(st);
    wire_send(st->s.up);
    stage_pass(st, 5000);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, " ");
    stage_pass(st, 25000);
    wire_end(st->s.up, END_TRUNCATED, "");
    stage_settle(st);
    BROKEN(st);
    NOTED(st, "truncated 502 none none x1");
    stage_free(st);
}

/* ---- promised events -------------------------------------------------------------- */

/* A client that was promised events is answered STATUS with BODY. */
static struct stage *promised(int status, const char *headers, const char *body)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, true);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 5000);
    stage_grant(st);
    stage_answer(st, status, headers, body);
    return st;
}

static void json_is_told_as_events(void)
{
    struct stage *st = promised(200, JSON, CHOICE);

    ENDED(st);
    SAID(st, "\"delta\":{");
    SAID(st, "\"content\":\"hello\"");
    SAID(st, DONE ": sluice queue_ms=5000 attempts=1\n\n");
    NOTED(st, OK);
    stage_free(st);
}

static void an_error_in_json_too(void)
{
    struct stage *st = promised(200, JSON, "{\"error\":{\"message\":\"m\"}}");

    ENDED(st);
    SAID(st, "data: {\"error\":{\"message\":\"m\"");
    CU_ASSERT_STRING_EQUAL(request_stats_outcome_name(st->s.lim->note.outcome),
                           "upstream_error");
    stage_free(st);
}

static void an_error_by_its_status_too(void)
{
    struct stage *st = promised(400, JSON, "{\"detail\":\"what?\"}");

    ENDED(st);
    SAID(st, "data: {\"error\":{\"message\":\"what?\"");
    NOTED(st, "client_error 400 none none x1");
    stage_free(st);
}

static void back_in_line_it_hears_of_its_place_again(void)
{
    struct stage *st = promised(429, JSON, "{\"error\":{\"message\":\"m\"}}");

    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 10000);
    SAID(st, ": queued position=0\n\n: queued position=0\n\n");
    stage_free(st);
}

static void why_not(int status, const char *headers, const char *body,
                    const char *why)
{
    struct stage *st = promised(status, headers, body);

    ENDED(st);
    SAID(st, "the client's 200 was sent while it waited.");
    SAID(st, why);
    SENDS(st, "garbage");
    stage_free(st);
}

static void what_cannot_be_told_so_is_explained(void)
{
    static char much[HOLD_MAX + 16];

    memset(much, ' ', sizeof(much) - 1);
    much[0] = '[';
    much[sizeof(much) - 2] = ']';
    why_not(200, JSON "Content-Encoding: gzip\n", "\x1f\x8b",
            "with a body that is compressed");
    why_not(200, JSON, "[1,2]", "no whole answer in JSON either");
    why_not(200, JSON, "{\"choices\":[", "it ends in the middle");
    why_not(200, JSON, much, "it is too long for Sluice");
    why_not(204, NULL, NULL, "answered 204 with nothing");
}

/* ---- what passes ------------------------------------------------------------------ */

static struct stage *relaying(const char *target, const char *ask,
                              const char *headers, const char *body)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "POST", target, ask);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, headers);
    (void)wire_body(st->s.up, body);
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
    ENDED(st);
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
    ENDED(st);
    SAID(st, "xxx\n\ndata: {\"error\":{");
    stage_free(st);
}

/* Also where the upstream falls silent behind the first. */
static void signs_of_life_stand_between_events(void)
{
    struct stage *st = streaming();

    stage_pass(st, 10000);
    SAID(st, HI ": waiting for the upstream\n\n");
    (void)wire_body(st->s.up, STOP DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, ": waiting for the upstream\n\n" STOP DONE);
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
    TOLD(st, "join, sent, report fine 200, body gone, done");
    stage_free(st);
}

static void an_error_within_a_stream_is_no_success(void)
{
    struct stage *st = streaming();

    (void)wire_body(st->s.up, "data: {\"error\":{\"message\":\"no " KEY
                              "\",\"code\":500}}\n\n");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "\"message\":\"no ****");
    NEVER_SAID(st, KEY);
    NOTED(st, "upstream_error 200 none none x1");
    SENDS(st, "server");
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
    ENDED(st);
    SAID(st, "event: error\ndata: {\"type\":\"error\",\"error\":{");
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
        stage_pass(st, 0);
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
    {"a stream hears of its place", a_stream_hears_of_its_place},
    {"nobody who gives up soon waits long for it",
     nobody_who_gives_up_soon_waits_long_for_it},
    {"JSON gets white space, if it may", json_gets_white_space_if_it_may},
    {"and its error as JSON behind it", and_its_error_as_json_behind_it},
    {"forward: deadline: a silent client hears nothing until its own",
     a_silent_client_hears_nothing},
    {"the upstream's white space passes, once it lasts",
     the_upstreams_white_space_passes_once_it_lasts},
    {"and then it can only be broken off", and_then_it_can_only_be_broken_off},
    {"promised events: JSON is told as events", json_is_told_as_events},
    {"promised events: an error in JSON, too", an_error_in_json_too},
    {"promised events: an error by its status, too",
     an_error_by_its_status_too},
    {"promised events: back in line it hears of its place again",
     back_in_line_it_hears_of_its_place_again},
    {"promised events: what cannot be told so is explained",
     what_cannot_be_told_so_is_explained},
    {"an event that is not whole is held", an_event_that_is_not_whole_is_held},
    {"one that is too long is torn, and ended",
     one_that_is_too_long_is_torn_and_ended},
    {"signs of life stand between events", signs_of_life_stand_between_events},
    {"an end does not wait for its connection",
     an_end_does_not_wait_for_its_connection},
    {"an error within a stream is no success",
     an_error_within_a_stream_is_no_success},
    {"Anthropic's errors bear their names", anthropics_errors_bear_their_names},
    {"a client that is slow holds the upstream",
     a_client_that_is_slow_holds_the_upstream},
    {"long JSON passes", long_json_passes},
    {"and is broken off where it is cut", and_is_broken_off_where_it_is_cut},
    {NULL, NULL},
};

CU_ErrorCode relays_add(void)
{
    return spine_add("relays", tests);
}
