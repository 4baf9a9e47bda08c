/*
 * model_eta.c - when will a model take the next of its requests?
 *
 * By its ceiling: those in flight end one after the other, evenly, in the time
 * that one takes.  By its own limit: what a window or a pace lets through.  The
 * later of the two; whether there is a slot as well is admit.c's to say.
 */
#include "state/policy/model_eta.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"
#include "state/policy/window.h"

#define TAKES_NS NS_PER_S /* one request, while nobody knows */

static int64_t by_ceiling(const struct lay_model_state *t, uint32_t nth,
                          int64_t now)
{
    int64_t takes = t->service_ns > 0 ? t->service_ns : TAKES_NS;
    int64_t k = t->concurrency.limit, free;

    if (concurrency_rests(&t->concurrency, now))
        now = t->concurrency.rest_ns;
    free = k - t->in_flight;
    if (k == 0 || nth < free)
        return now;
    return now + (nth - free + 1) * takes / k;
}

/* Of a window of LIMIT, of which USED are sent in the model's log or open. */
static int64_t by_window(struct layout *lay, uint32_t scope, uint64_t limit,
                         uint64_t used, uint32_t nth, int64_t now)
{
    int64_t span = limits_span_ns(limits_of(lay, scope)), sent;
    uint64_t want = used + nth % limit + 1;

    now += (int64_t)(nth / limit) * span;
    if (want <= limit || !window_frees(lay, scope, want - limit, &sent))
        return now;
    return max_i64(now, sent + span);
}

static int64_t by_limit(struct layout *lay, uint32_t model, uint32_t nth,
                        int64_t now)
{
    uint32_t scope = LAY_UPSTREAMS + model;
    const struct lay_scope *s = scope_at(lay, scope);
    const struct retreat *re = &s->retreat;
    int64_t at = model_limit_free_at(lay, model, now);

    if (at == NEVER || re->state != RETREAT_RECOVERING ||
        !model_limit_learns(lay, model))
        return at == NEVER ? now : at;
    if (re->pace.gap_ns > 0)
        return at + nth * re->pace.gap_ns;
    if (re->window.allowance == 0)
        return at;
    return by_window(
        lay, scope, retreat_limit(re, limits_of(lay, scope)->requests),
        s->window.weight + model_state_at(lay, model)->open, nth, now);
}

int64_t model_eta(struct layout *lay, uint32_t model, uint32_t nth, int64_t now)
{
    const struct lay_model_state *t;

    if (model == NONE || lay->live.limited == 0)
        return now;
    t = model_state_at(lay, model);
    return max_i64(
        max_i64(t->ejection.until_ns, now),
        max_i64(by_ceiling(t, nth, now), by_limit(lay, model, nth, now)));
}
