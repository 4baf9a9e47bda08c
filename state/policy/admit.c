/*
 * admit.c - may one go, and when may the k-th?
 *
 *   admit_now()    all rules, as things are        admit_rules.c
 *   admit_etas()   a forecast, one after the other
 *   admit_eta()    its k-th, at once where the window alone decides
 *
 * What the rules are, and how each is asked, is theirs to say.
 */
#include "state/policy/admit.h"

#include "state/policy/admit_rules.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/scope.h"

void admit_refresh(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);
    struct bucket_rule br = limits_bucket(r);

    window_expire(lay, scope, now - limits_span_ns(r));
    bucket_fill(&scope_sound(lay, scope)->bucket, &br, now);
}

bool admit_now(struct layout *lay, uint32_t scope, uint32_t weight, int64_t now,
               int64_t *when)
{
    struct admit_ask ask;

    admit_rules_ask(&ask, lay, scope, now);
    *when = admit_rules_now(&ask, weight);
    return *when <= now;
}

static int64_t known_from(struct layout *lay, uint32_t scope,
                          const struct lay_rules *r)
{
    return limits_lost_at(lay, limits_upstream(lay, scope)) + limits_span_ns(r);
}

int64_t admit_known_from(struct layout *lay, uint32_t scope)
{
    return known_from(lay, scope, limits_of(lay, scope));
}

uint32_t admit_limit(struct layout *lay, uint32_t scope)
{
    return scope_limit(lay, scope, 1);
}

/* ---- the k-th ------------------------------------------------------------ */

void admit_etas(struct layout *lay, uint32_t scope, const uint32_t *weights,
                uint32_t n, int64_t now, int64_t *out)
{
    struct admit_ask ask;
    struct forecast f;
    uint32_t i;

    admit_rules_ask(&ask, lay, scope, now);
    forecast_begin(&f, &ask, out, weights);
    for (i = 0; i < n; i++)
        out[i] = forecast_next(&f, weights == NULL ? 1 : weights[i]);
}

/* Where gap or bucket have a say there is no formula.  Apart, because of its
 * 64 KB of stack. */
__attribute__((noinline)) static int64_t step_by_step(struct layout *lay,
                                                      uint32_t scope,
                                                      uint32_t k, int64_t now)
{
    int64_t all[LAY_ROWS];

    admit_etas(lay, scope, NULL, k + 1, now, all);
    return all[k];
}

/* Behind a hold, the first to go is another case than those behind it. */
bool admit_is_stepwise(struct layout *lay, uint32_t scope)
{
    const struct lay_rules *r = limits_of(lay, scope);
    uint32_t state = scope_at(lay, scope)->retreat.state;

    return r->burst < r->requests || r->min_gap_ns > 0 ||
           state != RETREAT_NORMAL;
}

int64_t admit_eta(struct layout *lay, uint32_t scope, uint32_t k, int64_t now)
{
    struct admit_ask ask;
    struct forecast f;

    if (k >= LAY_ROWS)
        k = LAY_ROWS - 1;
    if (admit_is_stepwise(lay, scope))
        return step_by_step(lay, scope, k, now);
    admit_rules_ask(&ask, lay, scope, now);
    forecast_begin(&f, &ask, NULL, NULL);
    forecast_skip(&f, k);
    return forecast_next(&f, 1);
}

/* ---- what is left --------------------------------------------------------- */

uint32_t admit_used(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = scope_sound(lay, scope);
    uint64_t used = s->window.weight + s->open_weight;

    if (now < known_from(lay, scope, r) || used > r->requests)
        return r->requests;
    return (uint32_t)used;
}

int64_t admit_tokens_milli(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = scope_sound(lay, scope);
    struct bucket_rule br = limits_bucket(r);
    struct bucket b = s->bucket;

    bucket_charge(&b, &br, s->open_weight, now);
    return bucket_tokens_milli(&b, &br);
}
