/*
 * exits.c - how does a request leave each step on its way to the upstream?
 *
 * complete.c sees to it that every step has a row for everything that can
 * happen in it; those of pages are in pages.c.
 */
#include <string.h>

#include "exit_row.h"
#include "stage.h"

#define SSE  "Content-Type: text/event-stream\n"
#define JSON "Content-Type: application/json\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define DONE "data: [DONE]\n\n"

/* ---- into a step ------------------------------------------------------------- */

static void in_line(struct stage *st)
{
    stage_chat(st, false);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_settle(st);
}

/* The same of a stream whose client was told so. */
static void told_in_line(struct stage *st)
{
    stage_chat(st, true);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_pass(st, 5000);
}

static void granted(struct stage *st)
{
    stage_chat(st, false);
    stage_grant(st);
}

static void sent(struct stage *st)
{
    granted(st);
    wire_send(st->s.up);
}

/* What may be done only once, and is sent. */
static void sent_once(struct stage *st)
{
    stage_ask(st, "POST", "/v1/batches", "{}");
    stage_grant(st);
    wire_send(st->s.up);
}

static void pausing(struct stage *st)
{
    granted(st);
    stage_answer(st, 500, NULL, "");
}

/* Its answer comes later. */
static void polling(struct stage *st)
{
    granted(st);
    stage_answer(st, 202, "NVCF-REQID: a\n", "");
}

/* An answer that is held to be checked whole. */
static void holding(struct stage *st)
{
    sent(st);
    wire_head(st->s.up, 200, JSON);
    (void)wire_body(st->s.up, "[");
    stage_settle(st);
}

static void streaming(struct stage *st)
{
    stage_chat(st, true);
    stage_grant(st);
    wire_send(st->s.up);
    wire_head(st->s.up, 200, SSE);
    (void)wire_body(st->s.up, HI);
    stage_settle(st);
}

/* All is there, and more than the web server takes. */
static void flushing(struct stage *st)
{
    static char much[2000001];

    memset(much, 'x', sizeof(much) - 1);
    st->is_deaf = true;
    stage_chat(st, false);
    stage_grant(st);
    stage_answer(st, 200, "Content-Type: text/plain\n", much);
}

/* ---- what happens ------------------------------------------------------------ */

static void lose_state_and_refuse(struct stage *st)
{
    lose_state(st);
    stage_refuse(st, REFUSED_STATE, -1);
}

static void go_off(struct stage *st)
{
    stage_refuse(st, REFUSED_MODEL_OFF, -1);
}

static void lose_state_and_connect(struct stage *st)
{
    lose_state(st);
    CU_ASSERT_FALSE(wire_connect(st->s.up));
    stage_settle(st);
}

static void pass_300_s(struct stage *st)
{
    stage_pass(st, 300000);
}

static void pass_600_s(struct stage *st)
{
    stage_pass(st, 600000);
}

static void pass_900_s(struct stage *st)
{
    stage_pass(st, 900000);
}

static void pause_and_pass_900_s(struct stage *st)
{
    stage_pause(st);
    stage_pass(st, 900000);
}

/* ---- and ends it ------------------------------------------------------------ */

static void answer(struct stage *st)
{
    stage_answer(st, 200, JSON, "{}");
}

static void grant_and_answer(struct stage *st)
{
    st->s.lim->lost = false;
    stage_grant(st);
    answer(st);
}

static void pass_and_answer(struct stage *st)
{
    stage_pass(st, 500);
    grant_and_answer(st);
}

static void pass_500_ms(struct stage *st)
{
    stage_pass(st, 500);
}

static void poll_and_answer(struct stage *st)
{
    stage_pass(st, 500);
    answer(st);
}

static void pass_and_lose_state(struct stage *st)
{
    stage_pass(st, 500);
    lose_state_and_refuse(st);
}

static void end_json(struct stage *st)
{
    (void)wire_body(st->s.up, "]");
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

static void end_stream(struct stage *st)
{
    (void)wire_body(st->s.up, DONE);
    wire_end(st->s.up, END_OK, "");
    stage_settle(st);
}

static void take_all(struct stage *st)
{
    int i;

    st->is_deaf = false;
    for (i = 0; i < 500 && !st->closed; i++)
        stage_pass(st, 0);
}

/* ---- the rows ---------------------------------------------------------------- */

static const struct exit_row rows[] = {
    /* admit */
    {"admit: normal: it stands in line", in_line, NULL, grant_and_answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    /* queue */
    {"queue: normal: it is granted", in_line, NULL, grant_and_answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"queue: hang-up", in_line, stage_hang_up, NULL, "join, done unsent", GONE,
     NULL, "hangup 499 none queue x0"},
    {"queue: cancel", in_line, stage_cancel, NULL, "join, done unsent", WHOLE,
     "\"code\":\"sluice_cancelled\"", "cancelled 503 cancelled none x0"},
    {"queue: cancel: who was told to wait hears it as an event", told_in_line,
     stage_cancel, NULL, "join, done unsent", CUT,
     "data: {\"error\":{\"object\":\"error\",\"message\":\"An operator of "
     "Sluice ended",
     "cancelled 503 cancelled none x0"},
    {"queue: deadline", in_line, pass_900_s, NULL, "join, lost, done unsent",
     WHOLE, "\"code\":\"sluice_queue_timeout\"",
     "refused 429 queue_timeout none x0"},
    {"queue: deadline: who was told to wait hears it as an event", told_in_line,
     pass_900_s, NULL, "join, lost, done unsent", CUT,
     "data: {\"error\":{\"object\":\"error\",\"message\":\"The request waited "
     "905 s",
     "refused 429 queue_timeout none x0"},
    {"queue: deadline: of a pause it is told so", in_line, pause_and_pass_900_s,
     NULL, "join, lost, done unsent", WHOLE, "\"code\":\"sluice_paused\"",
     "refused 503 paused none x0"},
    {"queue: drain", in_line, stage_drain, NULL, "join, lost, done unsent",
     WHOLE, "\"code\":\"sluice_draining\"", "refused 503 draining none x0"},
    {"queue: pause: it waits on", in_line, stage_pause, grant_and_answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"queue: state lost", in_line, lose_state_and_refuse, NULL, "join", WHOLE,
     "\"code\":\"sluice_state\"", "refused 503 state none x0"},
    {"queue: abort", in_line, abort_all, NULL, "join, lost, done unsent", CUT,
     NULL, "lost 503 none none x0"},
    /* forward */
    {"forward: normal: its answer is passed on", sent, NULL, answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"forward: hang-up: before its first byte", granted, stage_hang_up, NULL,
     "join, done unsent", GONE, NULL, "hangup 499 none forward x1"},
    {"forward: hang-up: after it", sent, stage_hang_up, NULL,
     "join, sent, done", GONE, NULL, "hangup 499 none forward x1"},
    {"forward: cancel: before its first byte", granted, stage_cancel, NULL,
     "join, done unsent", WHOLE, "\"code\":\"sluice_cancelled\"",
     "cancelled 503 cancelled none x1"},
    {"forward: cancel: after it", sent, stage_cancel, NULL, "join, sent, done",
     WHOLE, "\"code\":\"sluice_cancelled\"", "cancelled 503 cancelled none x1"},
    {"forward: cancel: what may have been done is told so", sent_once,
     stage_cancel, NULL, "join, sent, done", WHOLE, "it may have been done",
     "cancelled 503 cancelled none x1"},
    {"forward: deadline: before its first byte", granted, pass_600_s, NULL,
     "join, lost, done unsent", WHOLE, "\"code\":\"sluice_upstream_timeout\"",
     "upstream_error 504 none none x1"},
    {"forward: deadline: after it", sent, pass_600_s, NULL,
     "join, sent, lost, done", WHOLE, "sent no answer within 600 s",
     "upstream_error 504 none none x1"},
    {"forward: deadline: what may have been done is no loss", sent_once,
     pass_600_s, NULL, "join, sent, done", WHOLE, "x-should-retry: false",
     "upstream_error 504 none none x1"},
    {"forward: drain: it may finish", sent, stage_drain, answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"forward: pause: before its first byte it is taken back", granted,
     stage_pause, grant_and_answer,
     "join, again unsent, sent, report fine accepted, body gone, done", WHOLE,
     "X-Sluice-Attempts: 1", "ok 200 none none x1"},
    {"forward: pause: after it, it may finish", sent, stage_pause, answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"forward: state lost: nothing is written, and it waits for another grant",
     granted, lose_state_and_connect, grant_and_answer,
     "join, again unsent, sent, report fine accepted, body gone, done", WHOLE,
     "X-Sluice-Attempts: 1", "ok 200 none none x1"},
    {"forward: state lost: after its first byte, it may finish", sent,
     lose_state, answer, "join, sent, report fine accepted, body gone, done",
     WHOLE, "Status: 200", "ok 200 none none x1"},
    {"forward: abort: before its first byte", granted, abort_all, NULL,
     "join, lost, done unsent", CUT, NULL, "lost 503 none none x1"},
    {"forward: abort: after it", sent, abort_all, NULL,
     "join, sent, lost, done", CUT, NULL, "lost 503 none none x1"},
    /* pause */
    {"pause: normal: it goes again", pausing, NULL, pass_and_answer,
     "join, sent, report fault, aside 500, again, sent, report fine accepted, "
     "body gone, done",
     WHOLE, "X-Sluice-Attempts: 2", "ok 200 none none x2"},
    {"pause: normal: it is asked for", polling, NULL, poll_and_answer,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"pause: hang-up", pausing, stage_hang_up, NULL,
     "join, sent, report fault, aside 500, done", GONE, NULL,
     "hangup 499 none forward x1"},
    {"pause: hang-up: between two polls", polling, stage_hang_up, NULL,
     "join, sent, report fine accepted, body gone, done", GONE, NULL,
     "hangup 499 none forward x1"},
    {"pause: cancel", pausing, stage_cancel, NULL,
     "join, sent, report fault, aside 500, done", WHOLE,
     "\"code\":\"sluice_cancelled\"", "cancelled 503 cancelled none x1"},
    {"pause: deadline", pausing, pass_600_s, NULL,
     "join, sent, report fault, aside 500, lost, done", WHOLE,
     "\"code\":\"sluice_upstream_timeout\"", "upstream_error 504 none none x1"},
    {"pause: deadline: between two polls", polling, pass_600_s, NULL,
     "join, sent, report fine accepted, body gone, lost, done", WHOLE,
     "\"code\":\"sluice_upstream_timeout\"", "upstream_error 504 none none x1"},
    {"pause: drain", pausing, stage_drain, NULL,
     "join, sent, report fault, aside 500, lost, done", WHOLE,
     "\"code\":\"sluice_draining\"", "refused 503 draining none x1"},
    {"pause: drain: between two polls it may finish", polling, stage_drain,
     poll_and_answer, "join, sent, report fine accepted, body gone, done",
     WHOLE, "Status: 200", "ok 200 none none x1"},
    {"pause: pause: it goes on to stand aside", pausing, stage_pause,
     pass_and_answer,
     "join, sent, report fault, aside 500, again, sent, report fine accepted, "
     "body gone, done",
     WHOLE, "Status: 200", "ok 200 none none x2"},
    {"pause: state lost: it is back in line and refused", pausing, lose_state,
     pass_and_lose_state, "join, sent, report fault, aside 500, again", WHOLE,
     "\"code\":\"sluice_state\"", "refused 503 state none x1"},
    {"pause: state lost: what is refused meanwhile is told at its end", pausing,
     go_off, pass_500_ms, "join, sent, report fault, aside 500", WHOLE,
     "\"code\":\"sluice_upstream_off\"", "off 503 upstream_off none x1"},
    {"pause: abort", pausing, abort_all, NULL,
     "join, sent, report fault, aside 500, lost, done", CUT, NULL,
     "lost 503 none none x1"},
    /* relay */
    {"relay: normal: what was held goes out with its length", holding, NULL,
     end_json, "join, sent, report fine accepted, body gone, done", WHOLE,
     "Content-Length: 2\r\n\r\n[]", "ok 200 none none x1"},
    {"relay: normal: a stream ends as it says", streaming, NULL, end_stream,
     "join, sent, report fine accepted, body gone, done", WHOLE, HI DONE,
     "ok 200 none none x1"},
    {"relay: hang-up", streaming, stage_hang_up, NULL,
     "join, sent, report fine accepted, body gone, done", GONE, NULL,
     "hangup 499 none relay x1"},
    {"relay: cancel: of a stream it is told as an event", streaming,
     stage_cancel, NULL, "join, sent, report fine accepted, body gone, done",
     CUT,
     HI "data: {\"error\":{\"object\":\"error\",\"message\":\"An operator of "
        "Sluice ended",
     "cancelled 503 cancelled none x1"},
    {"relay: cancel: of what was held as a status", holding, stage_cancel, NULL,
     "join, sent, report fine accepted, body gone, done", WHOLE,
     "Status: 503 Service Unavailable", "cancelled 503 cancelled none x1"},
    {"relay: deadline: the upstream falls silent in a stream", streaming,
     pass_300_s, NULL,
     "join, sent, report fine accepted, body gone, lost, done", CUT,
     HI "data: {\"error\":{\"object\":\"error\",\"message\":\"The upstream "
        "fell silent",
     "upstream_error 504 none none x1"},
    {"relay: deadline: or in what was held", holding, pass_300_s, NULL,
     "join, sent, report fine accepted, body gone, lost, done", WHOLE,
     "Status: 504", "upstream_error 504 none none x1"},
    {"relay: drain: it may finish", streaming, stage_drain, end_stream,
     "join, sent, report fine accepted, body gone, done", WHOLE, HI DONE,
     "ok 200 none none x1"},
    {"relay: pause: it may finish", streaming, stage_pause, end_stream,
     "join, sent, report fine accepted, body gone, done", WHOLE, HI DONE,
     "ok 200 none none x1"},
    {"relay: state lost: it may finish", streaming, lose_state, end_stream,
     "join, sent, report fine accepted, body gone, done", WHOLE, HI DONE,
     "ok 200 none none x1"},
    {"relay: abort: a broken answer does not end well", streaming, abort_all,
     NULL, "join, sent, report fine accepted, body gone, lost, done", CUT, HI,
     "lost 200 none none x1"},
    /* flush */
    {"flush: normal: until all is taken", flushing, NULL, take_all,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"flush: hang-up", flushing, stage_hang_up, NULL,
     "join, sent, report fine accepted, body gone, done", GONE, NULL,
     "hangup 499 none relay x1"},
    {"flush: deadline: who takes no byte for idle_s is gone", flushing,
     pass_300_s, NULL, "join, sent, report fine accepted, body gone, done", CUT,
     NULL, "hangup 499 none relay x1"},
    {"flush: drain: it may finish", flushing, stage_drain, take_all,
     "join, sent, report fine accepted, body gone, done", WHOLE, "Status: 200",
     "ok 200 none none x1"},
    {"flush: abort", flushing, abort_all, NULL,
     "join, sent, report fine accepted, body gone, done", CUT, NULL,
     "lost 200 none none x1"},
};

CU_ErrorCode exits_add(void)
{
    CU_pSuite s = CU_add_suite("exits", NULL, NULL);

    return exit_rows_add(s, rows, ARRAY_LEN(rows));
}
