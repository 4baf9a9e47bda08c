/*
 * refuse.c - how is a client told that it must come back later?
 *
 * Every text names the limit, the setting behind it and, where it is known,
 * the time until the next slot.
 */
#include "fcgi/refuse.h"

#include <inttypes.h>

#include "fcgi/answer.h"
#include "fcgi/attempt.h"
#include "fcgi/choices.h"
#include "fcgi/config/config.h"
#include "fcgi/config/told.h"
#include "state/leader.h"
#include "state/operator.h"

/* "Next slot in 7 s.", or nothing where no time is known. */
static const char *next_slot(char *out, size_t max, int64_t eta_ns)
{
    out[0] = '\0';
    if (eta_ns >= 0)
        snprintf(out, max, " Next slot in %" PRId64 " s.",
                 (eta_ns + NS_PER_S - 1) / NS_PER_S);
    return out;
}

/* Which of its client's own limits it waits for, if that is known. */
static const char *own_limit(const struct request *r)
{
    if (r->tokens_per_min == 0 && r->tokens_per_day == 0)
        return "clients[].requests_per_min";
    return r->requests_per_min == 0
               ? "clients[].tokens_per_min, tokens_per_day"
               : "clients[].requests_per_min, tokens_per_min, tokens_per_day";
}

/* The upstream whose limit that is: any of those X could go to. */
static const struct config_upstream *limited_to(const struct exchange *x,
                                                uint64_t tokens)
{
    const struct choices *c = x->place.choices;
    const struct config *cfg = x->s->cfg;
    uint32_t i;

    for (i = 0; c != NULL && i < c->n; i++)
        if ((uint64_t)cfg->upstreams[c->list[i].upstream].tokens == tokens)
            return &cfg->upstreams[c->list[i].upstream];
    return attempt_upstream(x);
}

/* No wait helps: it is larger than a whole limit, its client's or the
 * upstream's. */
static void explain_tokens(struct exchange *x, const struct ticket_news *n)
{
    const struct request *r = x->req;
    const struct config_upstream *up = limited_to(x, n->tokens_max);
    struct reply_error *e = &exchange_noted(x)->error;
    bool is_own = n->tokens_max == r->tokens_per_min ||
                  n->tokens_max == r->tokens_per_day;
    char limit[96];

    if (is_own)
        snprintf(limit, sizeof(limit), "its client may take %" PRIu64 " %s",
                 n->tokens_max,
                 n->tokens_max == r->tokens_per_min
                     ? "in a minute (clients[].tokens_per_min)"
                     : "in a day (clients[].tokens_per_day)");
    else
        snprintf(limit, sizeof(limit),
                 "the upstream %s takes %" PRIu64 " in %" PRId64 "%s", up->name,
                 n->tokens_max,
                 up->window_ms % 1000 == 0 ? up->window_ms / 1000
                                           : up->window_ms,
                 up->window_ms % 1000 == 0 ? " s" : " ms");
    snprintf(e->message, sizeof(e->message),
             "The request would take about %" PRIu64
             " tokens, its answer included, and %s%s. Ask for a shorter "
             "answer (max_tokens), or send less.",
             n->tokens, limit, is_own ? "" : " (upstreams[].tokens_per_min)");
    e->status = error_rows[ERROR_TOKENS].status;
    e->retry_ms = error_rows[ERROR_TOKENS].retry_ms;
    e->retry = error_rows[ERROR_TOKENS].retry;
}

void refuse_explain(struct exchange *x, const struct ticket_news *n)
{
    const struct config *cfg = x->s->cfg;
    struct reply_error *e = &exchange_noted(x)->error;
    int64_t own = x->req->queue_max;
    char slot[48];

    e->status = n->why == REFUSED_STATE ? 503 : 429;
    e->code = error_of_refusal(n->why);
    e->retry_ms = n->eta_ns >= 0 ? n->eta_ns / NS_PER_MS : 5000;
    e->retry = 1;
    next_slot(slot, sizeof(slot), n->eta_ns);
    switch (n->why) {
    case REFUSED_NOT:
    case REFUSALS:
    case REFUSED_QUEUE_FULL:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's queue is full (%u waiting, queue.max).%s",
                 n->waiting, slot);
        break;
    case REFUSED_CLIENT_FULL:
        snprintf(e->message, sizeof(e->message),
                 "This client has %" PRId64 " requests waiting already (%s).%s",
                 own > 0 ? own : cfg->queue_per_client,
                 own > 0 ? "clients[].queue_max" : "queue.per_client", slot);
        break;
    case REFUSED_BYTES:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's queue is full (%zu MB of request bodies, "
                 "queue.max_mb).%s",
                 (size_t)cfg->queue_max_bytes / MIB, slot);
        break;
    case REFUSED_DEADLINE:
        snprintf(e->message, sizeof(e->message),
                 "The request would have to wait %" PRId64
                 " s%s%s%s, longer than %s allows (%" PRId64 " s).",
                 (n->eta_ns + NS_PER_S - 1) / NS_PER_S,
                 n->own_limit ? " for its client's own limit (" : "",
                 n->own_limit ? own_limit(x->req) : "", n->own_limit ? ")" : "",
                 x->place.deadline_name,
                 (x->place.deadline_ns - x->req->arrived_ns) / NS_PER_S);
        e->retry = 0; /* it would be refused again */
        break;
    case REFUSED_TABLE:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's tables are full: too many different clients, "
                 "models or requests in flight.");
        break;
    case REFUSED_STATE:
        snprintf(e->message, sizeof(e->message),
                 "Sluice cannot use its shared state right now; its log says "
                 "why.");
        break;
    case REFUSED_TOKENS:
        explain_tokens(x, n);
        break;
    case REFUSED_MODEL_OFF:
    case REFUSED_UPSTREAM_HELD:
        e->status = told_status(n->cause);
        e->retry = 0;
        snprintf(e->message, sizeof(e->message),
                 "The upstream does not serve %s now (%s).%s",
                 n->why == REFUSED_MODEL_OFF ? "this model" : "this account",
                 n->reason, slot);
        break;
    }
}

enum step refuse_late(struct exchange *x)
{
    int64_t now = exchange_now(x), eta;
    char slot[48];

    if (limiter_is_paused(x->s->lim))
        return exchange_fail(
            x, ERROR_PAUSED,
            "Sluice is paused by an operator, and the request has waited "
            "%" PRId64 " s (%s).",
            (x->place.waited_ns + now - x->place.queued_ns) / NS_PER_S,
            x->place.deadline_name);
    if (limiter_store_is_lost(x->s->lim))
        return exchange_fail(
            x, ERROR_STATE,
            "The request waited %" PRId64
            " s (%s): the store by which several hosts share the limits "
            "(shared.url) does not answer; Sluice's log says why.",
            (x->place.waited_ns + now - x->place.queued_ns) / NS_PER_S,
            x->place.deadline_name);
    (void)limiter_place(x->s->lim, x->place.ticket, now, &x->place.news);
    eta = x->place.news.eta_ns;
    return exchange_fail_as(
        x, 429, ERROR_QUEUE_TIMEOUT, eta >= 0 ? eta / NS_PER_MS : 5000, -1,
        "The request waited %" PRId64 " s in Sluice's queue (%s).%s%s%s",
        (x->place.waited_ns + now - x->place.queued_ns) / NS_PER_S,
        x->place.deadline_name, next_slot(slot, sizeof(slot), eta),
        exchange_seldom(x)->refused[0] != '\0'
            ? " The upstream had refused it: "
            : "",
        exchange_seldom(x)->refused);
}

enum step refuse_cancelled(struct exchange *x)
{
    attempt_stop(x);
    return exchange_fail(x, ERROR_CANCELLED,
                         "An operator of Sluice ended this request.");
}

enum step refuse_draining(struct exchange *x)
{
    return exchange_fail(x, ERROR_DRAINING,
                         "This Sluice worker is shutting down.");
}
