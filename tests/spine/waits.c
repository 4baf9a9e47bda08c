/*
 * waits.c - what does the client see of the time before an answer, and of an
 * answer once it was promised events?
 */
#include <string.h>

#include "fcgi/config/bounds.h"
#include "fcgi/request_stats.h"
#include "spine.h"
#include "stage.h"

#define JSON "Content-Type: application/json\n"
#define SSE  "Content-Type: text/event-stream\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define DONE "data: [DONE]\n\n"
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
    SAID(st, "\r\n\r\n: queued position=4 eta=7s\n");
    st->s.lim->place.position = 2;
    st->s.lim->place.eta_ns = -1;
    stage_pass(st, 10000);
    SAID(st, "eta=7s\n: queued position=3\n");
    stage_grant(st);
    stage_pass(st, 10000);
    SAID(st, ": waiting for the upstream\n");
    stage_answer(st, 200, SSE, HI DONE);
    ENDED(st);
    SAID(st, HI DONE ": sluice queue_ms=15000 attempts=1\n");
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
    SAID(st, ": queued position=1\n");
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
    stage_pass(st, 29);
    CU_ASSERT_EQUAL(st->said.len, 0);
    stage_pass(st, 1);
    SAID(st, "\r\n\r\n ");
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

/* What has failed with white space may go again, and its time counts anew. */
static void but_not_what_ends_with_it(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, " ");
    stage_pass(st, 29);
    wire_end(st->s.up, END_TRUNCATED, "");
    stage_pass(st, 3000);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, " ");
    stage_pass(st, 29);
    CU_ASSERT_EQUAL(st->said.len, 0);
    (void)wire_body(st->s.up, "{}");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "Content-Length: 3\r\n");
    stage_free(st);
}

/* A hundred thousand tokens of prompt: timeouts.first_byte_s counts, and not
 * idle_s (300). */
static void a_head_is_no_first_byte(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, SSE);
    stage_pass(st, 400000);
    CU_ASSERT_FALSE(stage_is_over(st));
    SAID(st, "Status: 200 OK\r\n");
    SAID(st, ": waiting for the upstream\n");
    (void)wire_body(st->s.up, HI DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, "\n\n" HI DONE);
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
    SAID(st, DONE ": sluice queue_ms=5000 attempts=1\n");
    NOTED(st, OK);
    stage_free(st);
}

static void an_error_in_json_too(void)
{
    struct stage *st = promised(200, JSON, "{\"error\":{\"message\":\"m\"}}");

    BROKEN(st);
    SAID(st, "data: {\"error\":{\"message\":\"m\"");
    CU_ASSERT_STRING_EQUAL(outcome_names[st->s.lim->note.outcome],
                           "upstream_error");
    stage_free(st);
}

static void an_error_by_its_status_too(void)
{
    struct stage *st = promised(400, JSON, "{\"detail\":\"what?\"}");

    BROKEN(st);
    SAID(st, "data: {\"error\":{\"object\":\"error\",\"message\":\"what?\"");
    NOTED(st, "client_error 400 none none x1");
    stage_free(st);
}

static void back_in_line_it_hears_of_its_place_again(void)
{
    struct stage *st = promised(429, JSON, "{\"error\":{\"message\":\"m\"}}");

    CU_ASSERT_FALSE(stage_is_over(st));
    stage_pass(st, 10000);
    SAID(st, ": queued position=1\n: queued position=1\n");
    stage_free(st);
}

static void why_not(int status, const char *headers, const char *body,
                    const char *why)
{
    struct stage *st = promised(status, headers, body);

    BROKEN(st);
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
    {"but not what ends with it", but_not_what_ends_with_it},
    {"a head is no first byte", a_head_is_no_first_byte},
    {"and then it can only be broken off", and_then_it_can_only_be_broken_off},
    {"promised events: JSON is told as events", json_is_told_as_events},
    {"promised events: an error in JSON, too", an_error_in_json_too},
    {"promised events: an error by its status, too",
     an_error_by_its_status_too},
    {"promised events: back in line it hears of its place again",
     back_in_line_it_hears_of_its_place_again},
    {"promised events: what cannot be told so is explained",
     what_cannot_be_told_so_is_explained},
    {NULL, NULL},
};

CU_ErrorCode waits_add(void)
{
    return spine_add("waits", tests);
}
