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

static struct lay_scope *refresh(struct layout *lay, uint32_t scope,
                                 const struct lay_rules *r, int64_t now)
{
    struct bucket_rule br = limits_bucket(r);
    struct lay_scope *s;

    window_expire(lay, scope, now - limits_span_ns(r));
    s = scope_sound(lay, scope);
    bucket_fill(&s->bucket, &br, now);
    return s;
}

void admit_refresh(struct layout *lay, uint32_t scope, int64_t now)
{
    (void)refresh(lay, scope, limits_of(lay, scope), now);
}

bool admit_now(struct layout *lay, uint32_t scope, struct take what,
               int64_t now, int64_t *when)
{
    struct admit_ask ask;

    admit_rules_ask(&ask, lay, scope, now);
    *when = admit_rules_now(&ask, what);
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

void admit_etas(struct layout *lay, uint32_t scope, const struct take *takes,
                uint32_t n, int64_t now, int64_t *out)
{
    struct admit_ask ask;
    struct forecast f;
    uint32_t i;

    admit_rules_ask(&ask, lay, scope, now);
    forecast_begin(&f, &ask, out, takes);
    for (i = 0; i < n; i++)
        out[i] =
            forecast_next(&f, takes == NULL ? forecast_each(&f) : takes[i]);
}

/* Where gap, bucket or tokens have a say there is no formula.  Apart, because of its
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

    return r->burst < r->requests || r->min_gap_ns > 0 || r->tokens > 0 ||
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
    return forecast_next(&f, forecast_each(&f));
}

/* ---- what is left --------------------------------------------------------- */

static uint32_t used(struct layout *lay, uint32_t scope,
                     const struct lay_scope *s, const struct lay_rules *r,
                     int64_t now)
{
    uint64_t n = s->window.weight + s->open_weight;

    if (now < known_from(lay, scope, r) || n > r->requests)
        return r->requests;
    return (uint32_t)n;
}

uint32_t admit_used(struct layout *lay, uint32_t scope, int64_t now)
{
    return used(lay, scope, scope_sound(lay, scope), limits_of(lay, scope),
                now);
}

uint32_t admit_used_now(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);

    return used(lay, scope, refresh(lay, scope, r, now), r, now);
}

void admit_tokens(struct layout *lay, uint32_t scope, int64_t now,
                  struct admit_tokens *out)
{
    const struct lay_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = scope_sound(lay, scope);
    uint64_t unseen = now < s->unseen_ns ? s->unseen : 0;

    *out = (struct admit_tokens){s->window.tokens + unseen, s->open_tokens,
                                 r->tokens};
    if (r->tokens > 0 && now < known_from(lay, scope, r))
        out->used = r->tokens;
}

int64_t admit_tokens_eta(struct layout *lay, uint32_t scope, uint64_t up_to,
                         int64_t now)
{
    const struct lay_rules *r = limits_of(lay, scope);
    struct admit_tokens t;
    uint64_t over, logged;
    int64_t sent;

    if (r->tokens == 0)
        return now;
    admit_tokens(lay, scope, now, &t);
    if (t.used + t.reserved + up_to <= r->tokens)
        return now;
    over = t.used + t.reserved + up_to - r->tokens;
    logged = scope_at(lay, scope)->window.tokens;
    if (over <= logged && window_frees_tokens(lay, scope, over, &sent))
        return max_i64(now, sent + limits_span_ns(r));
    over = (over - (over < logged ? over : logged)) / r->tokens;
    return now +
           (int64_t)(over < LAY_ROWS ? over : LAY_ROWS) * limits_span_ns(r);
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
