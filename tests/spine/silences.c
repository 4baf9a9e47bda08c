/*
 * silences.c - what becomes of a request whose transfer ends without an answer,
 * or in the middle of one?
 *
 * A row for each way in which a transfer ends, before its head and after it.
 */
#include <string.h>

#include "house.h"
#include "spine.h"
#include "stage.h"

#define SSE  "Content-Type: text/event-stream\n"
#define JSON "Content-Type: application/json\n"
#define HI   "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
#define STOP                                                                   \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"

enum row_kind {
    PLAIN = 0,
    ONCE,   /* it must not be done twice */
    FREE,   /* it has no ticket */
    STREAM, /* content has come */
    HELD,   /* half of a JSON text has */
    SOUND,  /* bytes have passed that nobody can take back */
};

enum row_next { OVER = 0, BROKE, LINE, PAUSE, AT_ONCE };

struct row {
    const char *sentence;
    enum row_kind kind;
    enum transfer_end how;
    enum row_next next;
    const char *told;  /* of its ticket */
    const char *said;  /* OVER */
    const char *noted; /* OVER, BROKE */
    const char *sends;
};

#define PASSED "join, sent, report fine accepted, body gone, "

static const struct row rows[] = {
    /* before the head */
    {"silence ok: closed without an answer: again", PLAIN, END_OK, PAUSE,
     "join, sent, report fault, aside 500", NULL, NULL, "silent again"},
    {"silence ok: not what must not be done twice", ONCE, END_OK, OVER,
     "join, sent, report fault, done",
     "closed the connection without an answer. Sluice did not send it again",
     "upstream_error 502 none none x1", "silent"},
    {"silence unreachable: again, and it was no attempt", PLAIN,
     END_UNREACHABLE, PAUSE, "join, aside 500 unsent", NULL, NULL,
     "unreachable again"},
    {"silence unreachable: also what must not be done twice", ONCE,
     END_UNREACHABLE, PAUSE, "join, aside 500 unsent", NULL, NULL,
     "unreachable again"},
    {"silence unreachable: a free one, too", FREE, END_UNREACHABLE, PAUSE, "",
     NULL, NULL, "unreachable again"},
    {"silence lost: again", PLAIN, END_LOST, PAUSE,
     "join, sent, report fault, aside 500", NULL, NULL, "silent again"},
    {"silence lost: not what must not be done twice", ONCE, END_LOST, OVER,
     "join, sent, report fault, done", "x-should-retry: false",
     "upstream_error 502 none none x1", "silent"},
    {"silence truncated: before it said anything: again", PLAIN, END_TRUNCATED,
     PAUSE, "join, sent, report fault, aside 500", NULL, NULL,
     "truncated again"},
    {"silence truncated: not what must not be done twice", ONCE, END_TRUNCATED,
     OVER, "join, sent, report fault, done", "ended before it said anything",
     "truncated 502 none none x1", "truncated"},
    {"silence garbage: it would be the same again", PLAIN, END_GARBAGE, OVER,
     "join, sent, report fault, lost, done", "is not valid HTTP",
     "upstream_error 502 none none x1", "garbage"},
    {"silence stale: back to the line, for a slot of its own", PLAIN, END_STALE,
     LINE, "join, sent, again", NULL, NULL, "stale_connection again"},
    {"silence stale: a free one at once", FREE, END_STALE, AT_ONCE, "", NULL,
     NULL, "stale_connection again"},
    {"silence stale: not what must not be done twice", ONCE, END_STALE, OVER,
     "join, sent, report fault, done", "x-should-retry: false",
     "upstream_error 502 none none x1", "stale_connection"},
    {"silence held: its grant is over: it waits for another", PLAIN, END_HELD,
     LINE, "join, again unsent", NULL, NULL, "none"},
    /* after it */
    {"silence ok: a stream without its end is broken off", STREAM, END_OK,
     BROKE, PASSED "lost, done",
     "The upstream broke its answer off before its end.",
     "truncated 502 none none x1", "truncated"},
    {"silence truncated: a stream is told so by an event", STREAM,
     END_TRUNCATED, BROKE, PASSED "lost, done",
     HI "data: {\"error\":{\"object\":\"error\",\"message\":\"The upstream "
        "broke its answer off.",
     "truncated 502 none none x1", "truncated"},
    {"silence lost: a stream is told so by an event", STREAM, END_LOST, BROKE,
     PASSED "lost, done", "\"code\":\"sluice_upstream_truncated\"",
     "truncated 502 none none x1", "truncated"},
    {"silence garbage: in the middle of a stream", STREAM, END_GARBAGE, BROKE,
     PASSED "lost, done", "is not valid HTTP", "truncated 502 none none x1",
     "garbage"},
    {"silence truncated: of what was held a 502", HELD, END_TRUNCATED, OVER,
     PASSED "lost, done", "Status: 502 Bad Gateway",
     "truncated 502 none none x1", "truncated"},
    {"silence ok: half a JSON text is a 502", HELD, END_OK, OVER,
     PASSED "lost, done", "Status: 502 Bad Gateway",
     "truncated 502 none none x1", "truncated"},
    {"silence truncated: sound is broken off", SOUND, END_TRUNCATED, BROKE,
     PASSED "lost, done", NULL, "truncated 502 none none x1", "truncated"},
};

static const struct row *row_of_test(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].sentence, spine_sentence()) == 0)
            return &rows[i];
    return NULL;
}

static void forget_key(struct stage *st)
{
    free(st->s.cfg->upstreams[0].api_key);
    st->s.cfg->upstreams[0].api_key = NULL;
}

static void ask(struct stage *st, enum row_kind kind)
{
    if (kind == FREE) {
        forget_key(st);
        stage_ask(st, "GET", "/v1/models", NULL);
        return;
    }
    if (kind == ONCE)
        stage_ask(st, "POST", "/v1/batches", "{}");
    else if (kind == SOUND)
        stage_ask(st, "POST", "/v1/audio/speech", "{\"model\":\"a/b\"}");
    else
        stage_chat(st, kind == STREAM);
    stage_grant(st);
}

static void hear_some(struct stage *st, enum row_kind kind)
{
    wire_head(st->s.up, 200,
              kind == STREAM ? SSE
              : kind == HELD ? JSON
                             : "Content-Type: audio/mpeg\n");
    (void)wire_body(st->s.up, kind == STREAM ? HI : kind == HELD ? "{" : "ID3");
    stage_settle(st);
}

static void goes_again(struct stage *st, const struct row *r)
{
    char sends[64];

    CU_ASSERT_FALSE_FATAL(stage_is_over(st));
    CU_ASSERT_EQUAL(st->said.len, 0);
    CU_ASSERT_EQUAL(fake_started(st->s.up), r->next == AT_ONCE ? 2 : 1);
    if (r->next == PAUSE)
        stage_pass(st, 500);
    if (r->kind != FREE)
        stage_grant(st);
    CU_ASSERT_EQUAL(fake_started(st->s.up), 2);
    CU_ASSERT_EQUAL(fake_ask(st->s.up)->fresh,
                    r->how == END_STALE || r->kind == ONCE);
    stage_hang_up(st);
    (void)snprintf(sends, sizeof(sends), "%s, none", r->sends);
    SENDS(st, sends);
}

static void is_over(struct stage *st, const struct row *r)
{
    if (r->next == OVER)
        ENDED(st);
    else
        BROKEN(st);
    if (r->said != NULL)
        SAID(st, r->said);
    NOTED(st, r->noted);
    SENDS(st, r->sends);
}

static void run_row(void)
{
    const struct row *r = row_of_test();
    struct stage *st = stage_new(NULL);

    ask(st, r->kind);
    if (r->how != END_UNREACHABLE && r->how != END_HELD)
        wire_send(st->s.up);
    if (r->kind >= STREAM)
        hear_some(st, r->kind);
    wire_end(st->s.up, r->how, "a detail");
    stage_settle(st);
    TOLD(st, r->told);
    if (r->next >= LINE)
        goes_again(st, r);
    else
        is_over(st, r);
    stage_free(st);
}

/* ---- to the last attempt --------------------------------------------------------- */

static void fail_once(struct stage *st, enum transfer_end how)
{
    stage_grant(st);
    if (how != END_UNREACHABLE)
        wire_send(st->s.up);
    wire_end(st->s.up, how, "no route to " KEY);
    stage_settle(st);
}

static void nothing_is_there(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    fail_once(st, END_UNREACHABLE);
    stage_pass(st, 500);
    fail_once(st, END_UNREACHABLE);
    stage_pass(st, 1000); /* twice as long */
    fail_once(st, END_UNREACHABLE);
    ENDED(st);
    SAID(st, "Status: 502");
    SAID(st, "Sluice cannot connect to the upstream nim: no route to ****");
    SAID(st, "x-should-retry: false"); /* it was tried often enough */
    NEVER_SAID(st, KEY);
    TOLD(st, "join, aside 500 unsent, again unsent, aside 1000 unsent, again "
             "unsent, failed, done unsent");
    NOTED(st, "upstream_error 502 none none x0");
    SENDS(st, "unreachable again, unreachable again, unreachable");
    stage_free(st);
}

static void it_fails_as_often_as_it_may(void)
{
    struct stage *st = stage_new("{'retry':{'max':2}}");

    stage_chat(st, false);
    fail_once(st, END_LOST);
    stage_pass(st, 500);
    fail_once(st, END_LOST);
    ENDED(st);
    SAID(st, "without an answer.");
    SAID(st, "x-should-retry: false");
    TOLD(st, "join, sent, report fault, aside 500, again, sent, report "
             "fault, failed, done");
    stage_free(st);
}

static void one_that_is_stale_counts_no_fault(void)
{
    struct stage *st = stage_new("{'retry':{'max':1}}");

    stage_chat(st, false);
    fail_once(st, END_STALE);
    stage_grant(st);
    stage_answer(st, 200, JSON, "{}");
    ENDED(st);
    SAID(st, "Status: 200");
    NOTED(st, "ok 200 none none x2");
    stage_free(st);
}

/* What is missing behind the last choice's reason is not missed. */
static void an_end_that_was_said_is_one(void)
{
    struct stage *st = stage_new(NULL);

    ask(st, STREAM);
    wire_send(st->s.up);
    hear_some(st, STREAM);
    (void)wire_body(st->s.up, STOP);
    wire_end(st->s.up, END_TRUNCATED, "");
    stage_settle(st);
    ENDED(st);
    SAID(st, STOP "data: [DONE]\n\n");
    NOTED(st, "ok 200 none none x1");
    stage_free(st);
}

static void the_log_has_its_detail(void)
{
    struct stage *st = stage_new(NULL);

    ask(st, STREAM);
    wire_send(st->s.up);
    hear_some(st, STREAM);
    wire_end(st->s.up, END_TRUNCATED, "reset by " KEY);
    (void)house_log();
    stage_settle(st);
    stage_pass(st, 100);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(house_log(), "\"detail\":\"reset by **********"));
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"silence unreachable: to the last attempt", nothing_is_there},
    {"silence lost: retry.max times in all", it_fails_as_often_as_it_may},
    {"silence stale: one that is counts as no fault",
     one_that_is_stale_counts_no_fault},
    {"silence truncated: an end that was said is one",
     an_end_that_was_said_is_one},
    {"silence truncated: the log has its detail, without our key",
     the_log_has_its_detail},
    {NULL, NULL},
};

CU_ErrorCode silences_add(void)
{
    CU_pSuite s = CU_add_suite("silences", NULL, NULL);
    size_t i;

    for (i = 0; s != NULL && i < ARRAY_LEN(rows); i++)
        if (CU_add_test(s, rows[i].sentence, run_row) == NULL)
            break;
    return spine_add_to(s, tests);
}
