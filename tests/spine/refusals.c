/*
 * refusals.c - how is a client told that it must come back later?
 *
 * Each refusal: its status, its code, when to come again, and whether the SDK
 * is to try by itself.
 */
#include <string.h>

#include "spine.h"
#include "stage.h"

struct row {
    const char *sentence;
    enum limiter_refusal why;
    int64_t eta_ms; /* -1: unknown */
    const char *status, *code, *after, *retry, *words, *noted;
};

#define S(n) (INT64_C(n) * 1000)

static const struct row rows[] = {
    {"refused not: as if the queue were full", REFUSED_NOT, -1, "429",
     "sluice_queue_full", "5000", "true",
     "queue is full (7 waiting, queue.max)", "refused 429 queue_full none x0"},
    {"refused queue full: with the next slot", REFUSED_QUEUE_FULL, S(7), "429",
     "sluice_queue_full", "7000", "true",
     "queue is full (7 waiting, queue.max). Next slot in 7 s.",
     "refused 429 queue_full none x0"},
    {"refused queue full: without", REFUSED_QUEUE_FULL, -1, "429",
     "sluice_queue_full", "5000", "true", "(7 waiting, queue.max).\"",
     "refused 429 queue_full none x0"},
    {"refused client full: by the common bound", REFUSED_CLIENT_FULL, S(1),
     "429", "sluice_client_queue_full", "1000", "true",
     "500 requests waiting already (queue.per_client). Next slot in 1 s.",
     "refused 429 client_queue_full none x0"},
    {"refused bytes", REFUSED_BYTES, -1, "429", "sluice_queue_full", "5000",
     "true", "(128 MB of request bodies, queue.max_mb)",
     "refused 429 queue_full none x0"},
    {"refused deadline: it would be refused again", REFUSED_DEADLINE, S(1000),
     "429", "sluice_deadline", "1000000", "false",
     "wait 1000 s, longer than queue.timeout_s allows (900 s)",
     "refused 429 deadline none x0"},
    {"refused table", REFUSED_TABLE, -1, "429", "sluice_queue_full", "5000",
     "true", "too many different clients", "refused 429 queue_full none x0"},
    {"refused state", REFUSED_STATE, -1, "503", "sluice_state", "5000", "true",
     "its log says why", "refused 503 state none x0"},
    {"refused model off: with the status it had", REFUSED_MODEL_OFF, S(90),
     "503", "sluice_upstream_off", "90000", "false",
     "does not serve this model now (why not). Next slot in 90 s.",
     "off 503 upstream_off none x0"},
    {"refused upstream held: nobody pays", REFUSED_UPSTREAM_HELD, -1, "402",
     "sluice_upstream_off", "5000", "false",
     "does not serve this account now (why not).\"",
     "off 402 upstream_off none x0"},
};

static const struct row *row_of_test(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].sentence, spine_sentence()) == 0)
            return &rows[i];
    return NULL;
}

/* WANTED is a header's or a member's value. */
static void says(struct stage *st, const char *form, const char *wanted)
{
    char text[256];
    size_t n = strcspn(form, "*");

    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)n, form, wanted,
                   form + n + 1);
    SAID(st, text);
}

static void run_row(void)
{
    const struct row *r = row_of_test();
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_refuse(st, r->why, r->eta_ms < 0 ? -1 : r->eta_ms * NS_PER_MS);
    ENDED(st);
    says(st, "Status: * ", r->status);
    says(st, "\"code\":\"*\"", r->code);
    says(st, "\r\nretry-after-ms: *\r\n", r->after);
    says(st, "\r\nx-should-retry: *\r\n", r->retry);
    SAID(st, r->words);
    TOLD(st, "join");
    NOTED(st, r->noted);
    SENDS(st, "");
    stage_free(st);
}

/* ---- of others --------------------------------------------------------------- */

/* Whose bound a client's queue has reached. */
static void by_its_own_bound(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    st->r->queue_max = 2; /* as its key says */
    stage_refuse(st, REFUSED_CLIENT_FULL, -1);
    SAID(st, "has 2 requests waiting already (clients[].queue_max)");
    stage_free(st);
}

static void by_its_own_limit(void)
{
    struct ticket_news news = {.event = TICKET_REFUSED,
                               .why = REFUSED_DEADLINE,
                               .own_limit = true,
                               .eta_ns = 20 * NS_PER_S};
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_refuse_as(st->s.lim, &news);
    stage_settle(st);
    SAID(st, "wait 20 s for its client's own limit "
             "(clients[].requests_per_min), longer than X-Sluice-Deadline "
             "allows (10 s)");
    stage_free(st);
}

/* A client without a stream that gives up first. */
static void by_its_clients_patience(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_STAINLESS_TIMEOUT=30");
    stage_chat(st, false);
    stage_refuse(st, REFUSED_DEADLINE, 60 * NS_PER_S);
    SAID(st, "longer than the client's own timeout allows (30 s)");
    stage_free(st);
}

static void late_with_a_slot_in_sight(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_wait(st->s.lim, 0, 4 * NS_PER_S);
    stage_pass(st, 10000);
    SAID(st, "retry-after-ms: 4000");
    SAID(st, "waited 10 s in Sluice's queue (X-Sluice-Deadline). Next slot in "
             "4 s.");
    stage_free(st);
}

/* A deadline of 0 asks for a slot that is free now: its first try comes
 * first. */
static void not_before_its_first_try(void)
{
    struct stage *st = stage_new(NULL);

    stage_param(st, "HTTP_X_SLUICE_DEADLINE=0");
    stage_chat(st, false);
    stage_pass(st, 5);
    CU_ASSERT_FALSE(stage_is_over(st));
    fake_wait(st->s.lim, 0, -1);
    stage_settle(st);
    ENDED(st);
    NOTED(st, "refused 429 queue_timeout none x0");
    stage_free(st);
}

static void the_shared_store_is_lost(void)
{
    struct stage *st = stage_new(NULL);

    st->s.lim->store_lost = true;
    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 10000);
    SAID(st, "Status: 503");
    SAID(st, "\"code\":\"sluice_state\"");
    SAID(st,
         "waited 10 s (X-Sluice-Deadline): the store by which several hosts "
         "share the limits (shared.url) does not answer");
    ENDED(st);
    stage_free(st);
}

static void paused(void)
{
    struct stage *st = stage_new(NULL);

    stage_pause(st);
    stage_param(st, "HTTP_X_SLUICE_DEADLINE=10");
    stage_chat(st, false);
    fake_wait(st->s.lim, 0, -1);
    stage_pass(st, 10000);
    SAID(st, "Status: 503");
    SAID(st, "\"code\":\"sluice_paused\"");
    SAID(st, "retry-after-ms: 5000");
    SAID(st, "x-should-retry: true");
    SAID(st, "has waited 10 s (X-Sluice-Deadline)");
    stage_free(st);
}

/* It had come before we were asked to end: if there is a slot, it is served. */
static void draining_with_a_slot(void)
{
    struct stage *st = stage_new(NULL);

    stage_drain(st);
    stage_chat(st, false);
    TOLD(st, "join");
    stage_grant(st);
    stage_settle(st);
    stage_answer(st, 200, "", "{\"choices\":[]}");
    stage_settle(st);
    ENDED(st);
    SAID(st, "Status: 200");
    stage_free(st);
}

static void draining_without_one(void)
{
    struct stage *st = stage_new(NULL);

    stage_drain(st);
    stage_chat(st, false);
    fake_wait(st->s.lim, 3, 7 * NS_PER_S);
    stage_settle(st);
    ENDED(st);
    SAID(st, "Status: 503");
    SAID(st, "\"code\":\"sluice_draining\"");
    SAID(st, "retry-after-ms: 1000");
    SAID(st, "x-should-retry: true");
    NOTED(st, "refused 503 draining none x0");
    stage_free(st);
}

static void cancelled(void)
{
    struct stage *st = stage_new(NULL);

    stage_chat(st, false);
    stage_cancel(st);
    ENDED(st);
    SAID(st, "Status: 503");
    SAID(st, "\"code\":\"sluice_cancelled\"");
    NEVER_SAID(st, "etry-after");
    SAID(st, "x-should-retry: false");
    stage_free(st);
}

static const struct spine_test tests[] = {
    {"refused client full: by its own bound", by_its_own_bound},
    {"refused deadline: by its own limit", by_its_own_limit},
    {"refused deadline: by its client's patience", by_its_clients_patience},
    {"refused late: with a slot in sight", late_with_a_slot_in_sight},
    {"refused late: not before its first try", not_before_its_first_try},
    {"refused late: while all is paused", paused},
    {"the store that hosts share is lost", the_shared_store_is_lost},
    {"queue: drain: who came before it has the slot that is there",
     draining_with_a_slot},
    {"queue: drain: who would have to wait is told", draining_without_one},
    {"refused cancelled: not to be tried again", cancelled},
    {NULL, NULL},
};

CU_ErrorCode refusals_add(void)
{
    CU_pSuite s = CU_add_suite("refusals", NULL, NULL);
    size_t i;

    for (i = 0; s != NULL && i < ARRAY_LEN(rows); i++)
        if (CU_add_test(s, rows[i].sentence, run_row) == NULL)
            break;
    return spine_add_to(s, tests);
}
