/*
 * pages.c - how do requests fare that are for pages of ours?
 *
 * Those that have to wait: for the state (step LATER), for an answer from
 * elsewhere (step PAGE).
 */
#include <string.h>

#include "exit_row.h"
#include "house.h"

#define JSON "Content-Type: application/json\n"
#define LIST "{\"object\":\"list\",\"data\":[{\"id\":\"a/b\"}]}"

/* ---- into a step ------------------------------------------------------------- */

/* The state cannot be had now, and is asked for again. */
static void later(struct stage *st)
{
    lose_state(st);
    stage_ask(st, "GET", "/api/status", NULL);
}

/* The upstream is asked, with our key, for all who want its list. */
static void waiting(struct stage *st)
{
    stage_ask(st, "GET", "/v1/models", NULL);
}

/* ---- what happens, and what ends it ---------------------------------------------- */

static void pass_1_s(struct stage *st)
{
    stage_pass(st, 1000);
}

static void pass_15_s(struct stage *st)
{
    stage_pass(st, 15000);
}

static void find_state(struct stage *st)
{
    st->s.lim->lost = false;
    stage_pass(st, 5);
}

static void list(struct stage *st)
{
    stage_answer(st, 200, JSON, LIST);
}

static const struct exit_row rows[] = {
    {"later: normal: a page is answered", later, find_state, NULL, "", WHOLE,
     "Status: 200", "ok 200 none none x0"},
    {"later: hang-up", later, stage_hang_up, NULL, "", GONE, NULL,
     "hangup 499 none local x0"},
    {"later: deadline: a page waits a second for the state", later, pass_1_s,
     NULL, "", WHOLE, "\"code\":\"sluice_state\"", "refused 503 state none x0"},
    {"later: drain: a page is answered all the same", later, stage_drain,
     find_state, "", WHOLE, "Status: 200", "ok 200 none none x0"},
    {"later: state lost: it is asked for again", later, pass_1_s, NULL, "",
     WHOLE, "Retry-After: 1\r\n", "refused 503 state none x0"},
    {"later: abort", later, abort_all, NULL, "", CUT, NULL,
     "lost 503 none none x0"},
    {"page: normal: it is told what came", waiting, list, NULL, "", WHOLE,
     "{\"object\":\"list\",\"data\":[{\"id\":\"a/b\"}]}\n",
     "ok 200 none none x0"},
    {"page: hang-up: what it asked for goes on", waiting, stage_hang_up, NULL,
     "", GONE, NULL, "hangup 499 none local x0"},
    {"page: deadline: or that nothing came", waiting, pass_15_s, NULL, "",
     WHOLE, "\"code\":\"sluice_upstream_unreachable\"",
     "upstream_error 502 none none x0"},
    {"page: drain: it may finish", waiting, stage_drain, list, "", WHOLE,
     "Status: 200", "ok 200 none none x0"},
    {"page: state lost: it may finish", waiting, lose_state, list, "", WHOLE,
     "Status: 200", "ok 200 none none x0"},
    {"page: abort", waiting, abort_all, NULL, "", CUT, NULL,
     "lost 503 none none x0"},
};

/* ---- route -------------------------------------------------------------------- */

static void a_page_is_answered(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "GET", "/health", NULL);
    ENDED(st);
    SAID(st, "Status: 200");
    SAID(st, "\"uptime\":90.000");
    NOTED(st, "ok 200 none none x0");
    stage_free(st);
}

/* METHOD and TARGET, and what is wrong with it. */
static void is_faulty(const char *method, const char *target, const char *body,
                      const char *said, const char *noted)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, method, target, body);
    ENDED(st);
    SAID(st, said);
    TOLD(st, "");
    NOTED(st, noted);
    stage_free(st);
}

static void a_fault_is_told(void)
{
    is_faulty("GET", "/nowhere", NULL, "\"code\":\"sluice_not_found\"",
              "client_error 404 not_found none x0");
    is_faulty("PUT", "/health", NULL, "Allow: GET, HEAD\r\n",
              "client_error 405 method none x0");
    is_faulty("POST", "/v1/chat/completions", "[]",
              "\"code\":\"sluice_bad_request\"",
              "client_error 400 bad_request none x0");
    is_faulty("POST", "/api/pause", NULL, "WWW-Authenticate: Bearer\r\n",
              "refused 401 unauthorized none x0");
    is_faulty("GET", "/api/keys", NULL, "\"code\":\"sluice_unauthorized\"",
              "refused 401 unauthorized none x0");
    is_faulty("GET", "/api/me", NULL, "A client's key is needed here",
              "refused 401 unauthorized none x0");
}

static void who_only_looks_gets_no_body(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "HEAD", "/health", NULL);
    ENDED(st);
    SAID(st, "Content-Length: ");
    NEVER_SAID(st, "uptime");
    stage_free(st);
}

/* ---- who looks on ---------------------------------------------------------------- */

static void who_looks_on_sees_each_snapshot(void)
{
    struct stage *st = stage_new(NULL);

    stage_ask(st, "GET", "/api/events", NULL);
    SAID(st, "Content-Type: text/event-stream");
    stage_pass(st, 0);
    SAID(st, "event: status\ndata: {\"n\":1}\n\n");
    stage_pass(st, 1000);
    SAID(st, "data: {\"n\":1}\n\nevent: status\ndata: {\"n\":2}\n\n");
    CU_ASSERT_FALSE(stage_is_over(st));
    stage_drain(st);
    ENDED(st);
    NOTED(st, "ok 200 none none x0");
    stage_free(st);
}

static void who_looks_away_is_dropped(void)
{
    struct stage *st = stage_new(NULL);
    int i;

    st->s.lim->board_bytes = 200000;
    stage_ask(st, "GET", "/api/events", NULL);
    st->is_deaf = true;
    for (i = 0; i < 30 && !stage_is_over(st); i++)
        stage_pass(st, 1000);
    CU_ASSERT_TRUE(i >= 5 && i < 30);
    NOTED(st, "hangup 499 none local x0");
    CU_ASSERT_PTR_NOT_NULL(strstr(house_log(), "it took no snapshot for 5 s"));
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"page: normal: who looks on sees each snapshot, until we end",
     who_looks_on_sees_each_snapshot},
    {"page: deadline: who looks away is dropped", who_looks_away_is_dropped},
    {"route: normal: a page is answered", a_page_is_answered},
    {"route: normal: a fault is told", a_fault_is_told},
    {"route: normal: who only looks gets no body", who_only_looks_gets_no_body},
    {NULL, NULL},
};

CU_ErrorCode pages_add(void)
{
    CU_pSuite s = CU_add_suite("pages", NULL, NULL);

    return exit_rows_add(s, rows, ARRAY_LEN(rows)) == CUE_SUCCESS
               ? spine_add_to(s, tests)
               : CU_get_error();
}
