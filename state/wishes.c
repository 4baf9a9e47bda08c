/*
 * wishes.c - what can be asked of a ticket, between turns?
 *
 * Nothing is done here but to remember it: ticket_ops.c fulfils wishes, in the
 * next turn.
 */
#include <string.h>

#include "lib/boottime.h"
#include "state/limiter.h"
#include "state/operator.h"
#include "state/policy/quota.h"
#include "state/ticket_ops.h"
#include "state/worker.h"

struct ticket *limiter_join(struct limiter *lim,
                            const struct limiter_request *req, ticket_fn *fn,
                            void *arg)
{
    struct ticket *t = ticket_new(req, fn, arg);

    CHECK(req->upstream < lim->set.n_upstreams && req->weight > 0 &&
          req->requests_per_min <= QUOTA_MAX &&
          req->tokens_per_min <= LAY_TOKENS_MAX &&
          req->tokens_per_day <= LAY_DAY_TOKENS_MAX);
    t->generation = lim->generation;
    ticket_append(&lim->all, t);
    ticket_ops_add(lim, t, WISH_JOIN);
    return t;
}

void limiter_sent(struct limiter *lim, struct ticket *t)
{
    int64_t now = boottime_ns();

    if (t == NULL || !t->granted || (t->wishes & WISH_SENT) != 0)
        return;
    /* A clock behind our last turn's is not the one that turns are given. */
    t->sent_ns = now >= lim->now ? now : NEVER;
    ticket_ops_add(lim, t, WISH_SENT);
}

/* Or it will be, after the next turn. */
static bool is_aside(const struct ticket *t)
{
    return t->state == TICKET_ASIDE || (t->wishes & WISH_ASIDE) != 0;
}

void limiter_aside(struct limiter *lim, struct ticket *t, bool unsent,
                   int64_t for_ns)
{
    if (t == NULL || !t->granted || is_aside(t))
        return;
    t->aside_ns = for_ns;
    ticket_ops_add(lim, t, unsent ? WISH_ASIDE : WISH_ASIDE | WISH_SENT);
}

void limiter_again(struct limiter *lim, struct ticket *t, bool unsent)
{
    if (t == NULL)
        return;
    if (is_aside(t)) /* whether it was sent is said already */
        ticket_ops_add(lim, t, WISH_AGAIN);
    else if (t->granted)
        ticket_ops_add(lim, t, unsent ? WISH_AGAIN : WISH_AGAIN | WISH_SENT);
}

uint32_t limiter_refusals(const struct ticket *t)
{
    return t == NULL ? 0 : t->refusals;
}

void limiter_report(struct limiter *lim, struct ticket *t,
                    const struct limiter_report *rep)
{
    CHECK(rep->answer < ANSWERS);
    if (t == NULL || !t->granted)
        return;
    t->report = *rep;
    t->report.reason[LIMITER_REASON_MAX - 1] = '\0';
    lim->hurry |= rep->answer != ANSWER_FINE || rep->key == KEY_REFUSED;
    ticket_ops_add(lim, t, WISH_REPORT);
}

void limiter_settle(struct limiter *lim, struct ticket *t,
                    const struct limiter_usage *u)
{
    if (t == NULL || !t->granted)
        return;
    t->usage = *u;
    ticket_ops_add(lim, t, WISH_SETTLE);
}

void limiter_body_gone(struct limiter *lim, struct ticket *t)
{
    if (t == NULL)
        return;
    t->req.body_bytes = 0;
    ticket_ops_add(lim, t, WISH_BODY_GONE);
}

void limiter_lost(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        t->lost = true;
}

void limiter_failed(struct limiter *lim, struct ticket *t)
{
    (void)lim;
    if (t != NULL)
        t->failed = true;
}

void limiter_done(struct limiter *lim, struct ticket *t, bool unsent)
{
    if (t == NULL)
        return;
    t->fn = NULL;
    ticket_ops_add(lim, t,
                   t->granted && !is_aside(t) && !unsent ? WISH_DONE | WISH_SENT
                                                         : WISH_DONE);
}

bool limiter_end_hold(struct limiter *lim, uint32_t upstream, const char *model)
{
    struct end_wish *w = &lim->ends[lim->n_ends];

    CHECK(upstream < lim->set.n_upstreams);
    if (lim->n_ends == ENDS_MAX)
        return false;
    lim->n_ends++;
    w->upstream = upstream;
    memset(w->model, 0, sizeof(w->model));
    memcpy(w->model, model, strnlen(model, sizeof(w->model) - 1));
    return true;
}

bool limiter_has_wishes(const struct limiter *lim)
{
    return lim->wishes != NULL || lim->n_ends > 0 || lim->n_notes > 0 ||
           lim->n_tries > 0;
}

bool limiter_may_wait(const struct limiter *lim)
{
    return !lim->hurry && !lim->awaited && lim->n_ends == 0 && lim->at_work;
}
