/*
 * admit.c - may one go, and when may the k-th?
 *
 * All of: the window (sends of the last window + margin), the bucket where it
 * is smaller than the window, the gap, and the number in flight.  The margin
 * absorbs transit jitter, because the upstream counts arrivals while we count
 * writes.
 *
 * A request that is open may be written at any moment from now on.  So it
 * takes a place in the window as if it were sent now, and it has a claim on a
 * token that is only taken, like the entry in the log, when it is written.
 */
#include "admit.h"

#include <string.h>

#include "layout.h"
#include "window.h"

#define DAY_NS (86400 * NS_PER_S)

uint32_t admit_upstream(struct layout *lay, uint32_t scope)
{
    uint32_t upstream = scope;

    if (scope >= LAY_UPSTREAMS && scope < LAY_SCOPES)
        upstream = lay->models[scope - LAY_UPSTREAMS].owner;
    if (upstream >= LAY_UPSTREAMS)
        guard_damaged("upstream of a scope");
    return upstream;
}

bool admit_is_sane(const struct limiter_rules *r)
{
    return r->window_ns > 0 && r->window_ns <= DAY_NS && r->margin_ns >= 0 &&
           r->margin_ns <= DAY_NS && r->min_gap_ns >= 0 &&
           r->min_gap_ns <= DAY_NS && r->requests > 0 && r->requests <= 10000 &&
           r->burst > 0 && r->burst <= r->requests;
}

const struct limiter_rules *admit_rules(struct layout *lay, uint32_t scope)
{
    const struct limiter_rules *r = &lay->rules[admit_upstream(lay, scope)];

    if (!admit_is_sane(r))
        guard_damaged("rules");
    return r;
}

/* With values that no arithmetic below can carry too far. */
static struct lay_scope *sound_scope(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);

    if (s->open > LAY_ROWS || s->last_send_ns > lay->live.now_ns ||
        s->bucket.at_ns < 0 || s->bucket.level > INT64_MAX / 4 ||
        s->bucket.level < -INT64_MAX / 4)
        guard_damaged("scope");
    return s;
}

static int64_t span_ns(const struct limiter_rules *r)
{
    return r->window_ns + r->margin_ns;
}

static struct bucket_rule bucket_rule(const struct limiter_rules *r)
{
    return (struct bucket_rule){r->window_ns, r->requests, r->burst};
}

/* Equal to the requests of a window, the window is the stricter of the two. */
static bool has_bucket(const struct limiter_rules *r)
{
    return r->burst < r->requests;
}

/* The window is taken as full until all that was forgotten has passed. */
static int64_t known_from(struct layout *lay, uint32_t scope,
                          const struct limiter_rules *r)
{
    int64_t lost = lay->live.lost_ns[admit_upstream(lay, scope)];

    if (lost > lay->live.now_ns + 2 * NS_PER_S)
        guard_damaged("a loss in the future");
    return lost + span_ns(r);
}

/* ---- other rules ----------------------------------------------------- */

/* Sends before which time were dropped, or booked elsewhere, that would count
 * under NEW? */
static int64_t forgotten_ns(const struct limiter_rules *old,
                            const struct limiter_rules *new, int64_t now)
{
    if (old->requests == 0 || new->requests == 0)
        return 0;
    /* A setter may have been killed half way. */
    if (!admit_is_sane(old) || old->per_model != new->per_model ||
        strncmp(old->name, new->name, sizeof(old->name)) != 0)
        return now;
    return span_ns(new) > span_ns(old) ? now - span_ns(old) : 0;
}

static bool has_rows(struct layout *lay, uint32_t upstream)
{
    uint32_t i;

    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++)
        if (lay->rows[i].state != 0 &&
            admit_upstream(lay, lay->rows[i].scope) == upstream)
            return true;
    return false;
}

static void convert_buckets(struct layout *lay, uint32_t upstream,
                            const struct limiter_rules *new)
{
    const struct bucket_rule from = bucket_rule(&lay->rules[upstream]);
    const struct bucket_rule to = bucket_rule(new);
    uint32_t i;

    if (!admit_is_sane(&lay->rules[upstream]))
        return;
    bucket_convert(&lay->scopes[upstream].bucket, &from, &to);
    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && lay->models[i].owner == upstream)
            bucket_convert(&lay->scopes[LAY_UPSTREAMS + i].bucket, &from, &to);
}

static void set_one(struct layout *lay, uint32_t upstream,
                    const struct limiter_rules *new, int64_t now)
{
    int64_t *lost = &lay->live.lost_ns[upstream];

    if (new->requests > 0)
        convert_buckets(lay, upstream, new);
    else if (has_rows(lay, upstream))
        return; /* another worker's: its rules hold until they are over */
    *lost = max_i64(*lost, forgotten_ns(&lay->rules[upstream], new, now));
    lay->rules[upstream] = *new;
}

bool admit_set(struct layout *lay, const struct limiter_settings *set,
               int64_t now)
{
    bool changed = memcmp(&lay->bounds, &set->bounds, sizeof(lay->bounds)) != 0;
    uint32_t i;

    lay->bounds = set->bounds;
    for (i = 0; i < LAY_UPSTREAMS; i++) {
        if (memcmp(&lay->rules[i], &set->rules[i], sizeof(lay->rules[i])) == 0)
            continue;
        set_one(lay, i, &set->rules[i], now);
        changed = true;
    }
    return changed;
}

/* ---- one --------------------------------------------------------------- */

void admit_refresh(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    struct bucket_rule br = bucket_rule(r);

    window_expire(lay, scope, now - span_ns(r));
    bucket_fill(&sound_scope(lay, scope)->bucket, &br, now);
}

/* When the window lets one more through. */
static int64_t window_opens(struct layout *lay, uint32_t scope,
                            const struct limiter_rules *r, int64_t now)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open;
    int64_t known = known_from(lay, scope, r);

    if (used < r->requests)
        return max_i64(now, known);
    if (used - r->requests >= s->window.n)
        return NEVER; /* open ones alone fill it: a write must come first */
    return max_i64(window_nth(lay, scope, used - r->requests) + span_ns(r),
                   known);
}

bool admit_now(struct layout *lay, uint32_t scope, int64_t now, int64_t *when)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = bucket_rule(r);

    *when = window_opens(lay, scope, r, now);
    if (has_bucket(r) && s->open >= r->burst)
        *when = NEVER; /* more than all tokens are spoken for */
    else if (has_bucket(r))
        *when = max_i64(*when, now + bucket_wait_ns(&s->bucket, &br, now,
                                                    s->open + INT64_C(1)));
    if (r->min_gap_ns > 0)
        *when = max_i64(*when, s->last_send_ns + r->min_gap_ns);
    if (r->in_flight > 0 && s->in_flight >= r->in_flight)
        *when = NEVER;
    /* Each open row may need a fresh chunk when it is written. */
    if (lay->live.free_chunks <= lay->live.open)
        *when = max_i64(*when, now + NS_PER_S);
    return *when <= now;
}

void admit_granted(struct layout *lay, uint32_t scope, int64_t now)
{
    struct lay_scope *s = sound_scope(lay, scope);

    s->last_send_ns = max_i64(s->last_send_ns, now);
}

void admit_sent(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = bucket_rule(r);

    bucket_charge(&s->bucket, &br, now);
    s->last_send_ns = max_i64(s->last_send_ns, now);
}

/* ---- the k-th ------------------------------------------------------------ */

/*
 * Slots of the window in the order they open: the free ones at once, then one
 * for each send that expires, oldest first, then one for each open request.
 * K is below the limit; the slots after those are the same a span later.
 */
static int64_t window_slot(struct layout *lay, uint32_t scope,
                           const struct limiter_rules *r, uint32_t k,
                           int64_t now)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    int64_t at = max_i64(now, known_from(lay, scope, r));
    uint32_t used = s->window.n + s->open;

    if (used + k < r->requests)
        return at;
    k = used + k - r->requests; /* this one must expire first */
    if (k < s->window.n)
        return max_i64(at, window_nth(lay, scope, k) + span_ns(r));
    return max_i64(at, now + span_ns(r));
}

/* window_slot() for the first N, or all below the limit, in one go. */
static void window_slots(struct layout *lay, uint32_t scope,
                         const struct limiter_rules *r, uint32_t n, int64_t now,
                         int64_t *out)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    int64_t at = max_i64(now, known_from(lay, scope, r));
    uint32_t used = s->window.n + s->open;
    uint32_t skip = used > r->requests ? used - r->requests : 0;
    uint32_t i = 0, logged;

    if (n > r->requests)
        n = r->requests;
    for (; i < n && used + i < r->requests; i++)
        out[i] = at;
    logged = skip < s->window.n ? s->window.n - skip : 0;
    if (logged > n - i)
        logged = n - i;
    window_copy(lay, scope, skip, logged, &out[i]);
    for (; logged > 0; logged--, i++)
        out[i] = max_i64(at, out[i] + span_ns(r));
    for (; i < n; i++)
        out[i] = max_i64(at, now + span_ns(r));
}

void admit_etas(struct layout *lay, uint32_t scope, uint32_t n, int64_t now,
                int64_t *out)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = bucket_rule(r);
    struct bucket b = s->bucket;
    /* Not before the one before it, nor before its gap is over. */
    int64_t after = (s->open > 0 ? now : s->last_send_ns) + r->min_gap_ns;
    uint32_t i;

    window_slots(lay, scope, r, n, now, out);
    bucket_fill(&b, &br, now);
    b.level -= s->open * br.window_ns;
    for (i = 0; i < n; i++) {
        if (i >= r->requests)
            out[i] = out[i - r->requests] + span_ns(r);
        out[i] = max_i64(out[i], after);
        if (has_bucket(r)) {
            out[i] += bucket_wait_ns(&b, &br, out[i], 1);
            bucket_charge(&b, &br, out[i]);
        }
        after = out[i] + r->min_gap_ns;
    }
    for (i = 0; r->in_flight > 0 && i < n; i++)
        if (out[i] <= now && s->in_flight + i >= r->in_flight)
            out[i] = NEVER;
}

/* Where gap or bucket have a say there is no formula.  Apart, because of its
 * 64 KB of stack. */
__attribute__((noinline)) static int64_t step_by_step(struct layout *lay,
                                                      uint32_t scope,
                                                      uint32_t k, int64_t now)
{
    int64_t all[LAY_ROWS];

    admit_etas(lay, scope, k + 1, now, all);
    return all[k];
}

int64_t admit_eta(struct layout *lay, uint32_t scope, uint32_t k, int64_t now)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    int64_t eta;

    if (k >= LAY_ROWS)
        k = LAY_ROWS - 1;
    if (has_bucket(r) || r->min_gap_ns > 0)
        return step_by_step(lay, scope, k, now);
    eta = window_slot(lay, scope, r, k % r->requests, now) +
          k / r->requests * span_ns(r);
    if (eta <= now && r->in_flight > 0 && s->in_flight + k >= r->in_flight)
        return NEVER;
    return eta;
}

uint32_t admit_used(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open;

    if (now < known_from(lay, scope, r) || used > r->requests)
        return r->requests;
    return used;
}

int64_t admit_tokens_milli(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = admit_rules(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = bucket_rule(r);
    struct bucket b = s->bucket;

    bucket_fill(&b, &br, now);
    b.level -= s->open * br.window_ns;
    return bucket_tokens_milli(&b, &br);
}
