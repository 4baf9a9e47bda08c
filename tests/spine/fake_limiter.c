/* fake_limiter.c - what is the limiter told, and is it told right? */
#include "fake_limiter.h"

#include <inttypes.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "fcgi/request_stats.h"

enum fake_state { FAKE_WAITS = 0, FAKE_GRANTED, FAKE_ASIDE, FAKE_OVER };

struct ticket {
    struct limiter_request req;
    char model[LIMITER_NAME_MAX], client[LIMITER_NAME_MAX];
    enum fake_state state;
    bool is_sent, is_reported; /* since its grant */
    ticket_fn *fn;
    void *arg;
    struct buf told;
};

/* ---- for a test ------------------------------------------------------------- */

struct limiter *fake_limiter_new(void)
{
    struct limiter *lim = calloc(1, sizeof(*lim));

    CHECK(lim != NULL);
    lim->follows = true;
    lim->place.eta_ns = -1;
    lim->ready.probe = PROBE_OURS;
    lim->ready.waiting_max = 500;
    lim->ready.n_upstreams = 1;
    lim->ready.upstreams[0].tokens_milli = 1000;
    lim->ready.upstreams[0].burst_milli = 1000;
    return lim;
}

static void ticket_free(struct ticket *t)
{
    if (t->state != FAKE_OVER)
        CU_FAIL("a ticket has not ended");
    buf_free(&t->told);
    free(t);
}

void fake_limiter_free(struct limiter *lim)
{
    uint32_t i;

    for (i = 0; i < lim->n; i++)
        ticket_free(lim->tickets[i]);
    buf_free(&lim->sends);
    free(lim);
}

static struct ticket *newest(const struct limiter *lim)
{
    CHECK(lim->n > 0);
    return lim->tickets[lim->n - 1];
}

const struct limiter_request *fake_asked(const struct limiter *lim)
{
    return &newest(lim)->req;
}

const char *fake_told(const struct limiter *lim)
{
    if (lim->n == 0)
        return "";
    buf_add(&newest(lim)->told, "", 1);
    newest(lim)->told.len--;
    return buf_head(&newest(lim)->told);
}

static void tell(struct ticket *t, const struct ticket_news *news)
{
    CHECK(t->state != FAKE_OVER);
    t->fn(t->arg, news);
}

void fake_wait(struct limiter *lim, uint32_t position, int64_t eta_ns)
{
    lim->place.event = TICKET_WAITS;
    lim->place.position = position;
    lim->place.eta_ns = eta_ns;
    tell(newest(lim), &lim->place);
}

void fake_grant(struct limiter *lim)
{
    struct ticket_news news = {.event = TICKET_GRANTED,
                               .choice = lim->choice,
                               .limit = 40,
                               .remaining = 39,
                               .token_ratio_m = lim->token_ratio_m,
                               .reset_ns = 60 * NS_PER_S};

    CHECK(newest(lim)->state == FAKE_WAITS);
    newest(lim)->state = FAKE_GRANTED;
    newest(lim)->is_sent = newest(lim)->is_reported = false;
    tell(newest(lim), &news);
}

void fake_refuse_as(struct limiter *lim, const struct ticket_news *news)
{
    struct ticket *t = newest(lim);

    CHECK(t->state == FAKE_WAITS || t->state == FAKE_ASIDE);
    t->state = FAKE_OVER;
    t->fn(t->arg, news);
}

void fake_refuse(struct limiter *lim, enum limiter_refusal why, int64_t eta_ns)
{
    struct ticket_news news = {.event = TICKET_REFUSED,
                               .why = why,
                               .waiting = 7,
                               .eta_ns = eta_ns,
                               .tokens = 9000,
                               .tokens_max = 8000,
                               .cause = EJECTED_UNAVAILABLE,
                               .reason = "why not"};

    if (why == REFUSED_UPSTREAM_HELD)
        news.cause = EJECTED_UNPAID;
    fake_refuse_as(lim, &news);
}

void fake_cancel(struct limiter *lim)
{
    struct ticket_news news = {.event = TICKET_CANCELLED};

    tell(newest(lim), &news);
}

/* ---- tickets ------------------------------------------------------------------ */

/* False: nothing may be said of T. */
static bool note(struct ticket *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static bool note(struct ticket *t, const char *fmt, ...)
{
    char text[128];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (t->told.len > 0)
        buf_str(&t->told, ", ");
    buf_str(&t->told, text);
    if (t->state == FAKE_OVER)
        CU_FAIL("something is said of a ticket that has ended");
    return t->state != FAKE_OVER;
}

static const char *unsent_of(bool unsent)
{
    return unsent ? " unsent" : "";
}

struct ticket *limiter_join(struct limiter *lim,
                            const struct limiter_request *req, ticket_fn *fn,
                            void *arg)
{
    struct ticket *t = calloc(1, sizeof(*t));

    CHECK(t != NULL && lim->n < FAKE_TICKETS);
    t->req = *req;
    (void)snprintf(t->model, sizeof(t->model), "%s", req->model);
    (void)snprintf(t->client, sizeof(t->client), "%s", req->client);
    t->req.model = t->model;
    t->req.client = t->client;
    t->req.request_id = NULL;
    t->fn = fn;
    t->arg = arg;
    lim->tickets[lim->n++] = t;
    (void)note(t, "join");
    return t;
}

bool limiter_may_write(struct limiter *lim, struct ticket *t, int64_t now)
{
    (void)now;
    return t == NULL || (!lim->lost && t->state == FAKE_GRANTED);
}

void limiter_sent(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t == NULL)
        return;
    CU_ASSERT_EQUAL(t->state, FAKE_GRANTED);
    if (!t->is_sent) /* the transfer of a poll says so too */
        (void)note(t, "sent");
    t->is_sent = true;
}

void limiter_aside(struct limiter *lim, struct ticket *t, bool unsent,
                   int64_t for_ns)
{
    (void)lim;
    if (t == NULL)
        return;
    CU_ASSERT_EQUAL(t->state, FAKE_GRANTED);
    if (note(t, "aside %" PRId64 "%s", for_ns / NS_PER_MS, unsent_of(unsent)))
        t->state = FAKE_ASIDE;
}

void limiter_again(struct limiter *lim, struct ticket *t, bool unsent)
{
    (void)lim;
    if (t == NULL)
        return;
    CU_ASSERT_TRUE(t->state == FAKE_GRANTED || t->state == FAKE_ASIDE);
    if (note(t, "again%s", unsent_of(unsent)))
        t->state = FAKE_WAITS;
}

void limiter_report(struct limiter *lim, struct ticket *t,
                    const struct limiter_report *rep)
{
    static const char *const causes[EJECTION_CAUSES] = {
        [EJECTED_NOT] = " for nothing",
        [EJECTED_DEGRADED] = " degraded",
        [EJECTED_UNAVAILABLE] = " unavailable",
        [EJECTED_UNKNOWN] = " unknown",
        [EJECTED_GONE] = " gone",
        [EJECTED_RATE] = " rate",
        [EJECTED_UNPAID] = " unpaid",
        [EJECTED_QUOTA] = " quota",
    };
    static const char *const keys[] = {"", " accepted", " refused"};
    char after[32] = "";

    if (t == NULL)
        return;
    CU_ASSERT_EQUAL(t->state, FAKE_GRANTED);
    /* Once for each attempt; but what had begun well may be refused late. */
    CU_ASSERT_TRUE(!t->is_reported || lim->report.answer == ANSWER_FINE);
    t->is_reported = true;
    lim->report = *rep;
    if (rep->retry_after_ns >= 0)
        (void)snprintf(after, sizeof(after), " +%" PRId64,
                       rep->retry_after_ns / NS_PER_MS);
    (void)note(t, "report %s%s%s%s", limiter_answer_names[rep->answer],
               rep->answer == ANSWER_OFF ? causes[rep->cause] : "",
               keys[rep->key], after);
}

void limiter_settle(struct limiter *lim, struct ticket *t,
                    const struct limiter_usage *u)
{
    if (u->in == 0 && u->out == 0)
        lim->nothings += t != NULL;
    else if (t != NULL)
        (void)note(t, "settle %" PRId64 " %" PRId64, u->in, u->out);
}

void limiter_lost(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        (void)note(t, "lost");
}

void limiter_failed(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        (void)note(t, "failed");
}

bool limiter_has_failed(struct limiter *lim, const struct ticket *t,
                        int64_t now)
{
    (void)now;
    return t != NULL && lim->has_failed;
}

void limiter_body_gone(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        (void)note(t, "body gone");
}

void limiter_done(struct limiter *lim, struct ticket *t, bool unsent)
{
    (void)lim;
    if (t != NULL && note(t, "done%s", unsent_of(unsent)))
        t->state = FAKE_OVER;
}

bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news)
{
    (void)now;
    if (t == NULL || t->state != FAKE_WAITS)
        return false;
    *news = lim->place;
    return true;
}

/* Others pass all the time. */
uint32_t limiter_refusals(const struct ticket *t)
{
    return t == NULL ? 0 : 1000;
}

uint64_t limiter_secret(const struct limiter *lim)
{
    (void)lim;
    return 42;
}

/* ---- what became of them ---------------------------------------------------------- */

void limiter_note(struct limiter *lim, const struct limiter_note *n)
{
    lim->note = *n;
    lim->notes++;
}

void limiter_note_attempt(struct limiter *lim, const struct limiter_attempt *a)
{
    lim->attempt = *a;
    if (lim->sends.len > 0)
        buf_str(&lim->sends, ", ");
    buf_str(&lim->sends, upstream_error_names[a->error]);
    if (a->again)
        buf_str(&lim->sends, " again");
    if (a->fine)
        buf_str(&lim->sends, " fine");
}
