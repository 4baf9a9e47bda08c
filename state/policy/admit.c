/*
 * admit.c - may one go, and when may the k-th?
 *
 * Unless an operator paused, all of: the window (sends of the last window +
 * margin), the bucket where it is smaller than the window, the gap, the number
 * in flight, and what is left of them while the scope retreats (retreat.c).
 * The margin absorbs transit jitter, because the upstream counts arrivals
 * while we count writes.
 *
 * A request that is open may be written at any moment from now on.  So it
 * takes a place in the window as if it were sent now, and it has a claim on a
 * token that is only taken, like the entry in the log, when it is written.  A
 * gap is one between writes: while one is open, no other goes.
 */
#include "state/policy/admit.h"

#include "state/policy/draft.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/window.h"

#define RETREAT_MAX_NS (300 * NS_PER_S) /* where the rules do not say */
#define ANSWER_NS      NS_PER_S         /* a probe's answer, by experience */

/* Where a gap is asked for, so long the next waits for one that is open: above
 * what a connection takes, and a worker that is stopped does not stop all. */
#define GAP_OPEN_NS (60 * NS_PER_S)

/* With values that no arithmetic below can carry too far. */
static struct lay_scope *sound_scope(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);

    if (s->open > LAY_ROWS || s->last_send_ns > lay->live.now_ns ||
        s->bucket.at_ns < 0 || s->bucket.level > INT64_MAX / 4 ||
        s->bucket.level < -INT64_MAX / 4)
        sigbus_damaged("scope");
    return s;
}

/* Equal to the requests of a window, the window is the stricter of the two. */
static bool has_bucket(const struct limiter_rules *r)
{
    return r->burst < r->requests;
}

/* Sends before this are unknown. */
static int64_t lost_at(struct layout *lay, uint32_t scope)
{
    int64_t lost = lay->live.lost_ns[limits_upstream(lay, scope)];

    if (lost > lay->live.now_ns + 2 * NS_PER_S)
        sigbus_damaged("a loss in the future");
    return lost;
}

/* The window is taken as full until all that was forgotten has passed. */
static int64_t known_from(struct layout *lay, uint32_t scope,
                          const struct limiter_rules *r)
{
    return lost_at(lay, scope) + limits_span_ns(r);
}

/*
 * Not before this for the sake of the gap.  It lies between writes, and one that
 * is open may be written at any moment: its write comes first, unless that takes
 * absurdly long.  What was forgotten may have been sent until it was.
 */
static int64_t gap_ends(struct layout *lay, uint32_t scope,
                        const struct limiter_rules *r)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    int64_t gap =
        s->open > 0 ? max_i64(r->min_gap_ns, GAP_OPEN_NS) : r->min_gap_ns;

    return max_i64(s->last_send_ns + gap, lost_at(lay, scope) + r->min_gap_ns);
}

/* The same for those that foretell: open ones are written now. */
static int64_t foretell_gap(struct layout *lay, uint32_t scope,
                            const struct limiter_rules *r, int64_t now)
{
    if (r->min_gap_ns == 0)
        return now;
    if (sound_scope(lay, scope)->open == 0)
        return gap_ends(lay, scope, r);
    return min_i64(gap_ends(lay, scope, r), now + r->min_gap_ns);
}

int64_t admit_known_from(struct layout *lay, uint32_t scope)
{
    return known_from(lay, scope, limits_of(lay, scope));
}

/* ---- retreat ----------------------------------------------------------- */

struct retreat *admit_retreat(struct layout *lay, uint32_t scope)
{
    struct retreat *re = &scope_at(lay, scope)->retreat;

    if (!retreat_is_sane(re, lay->live.now_ns))
        sigbus_damaged("retreat");
    return re;
}

struct retreat_rule admit_retreat_rule(struct layout *lay, uint32_t scope)
{
    const struct limiter_rules *r = limits_of(lay, scope);

    return (struct retreat_rule){r->window_ns, r->margin_ns,
                                 r->retreat_max_ns > 0 ? r->retreat_max_ns
                                                       : RETREAT_MAX_NS,
                                 r->requests};
}

/* Does the probe still run, and is its time not over? */
static bool has_probe(struct layout *lay, const struct retreat *re, int64_t now)
{
    const struct lay_row *row;

    if (re->probe_id == 0 || now >= re->until_ns)
        return false;
    row = row_at(lay, re->probe_row);
    return row->id == re->probe_id && row_is_in_flight(row);
}

/* Not before this; NORMAL, and so nearly always: not held. */
static int64_t held_until(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;

    if (re->state == RETREAT_NORMAL)
        return now;
    re = admit_retreat(lay, scope);
    if (re->state == RETREAT_HOLDING ||
        (re->state == RETREAT_PROBING && has_probe(lay, re, now)))
        return max_i64(re->until_ns, now);
    return now;
}

/* The limit for the K-th from now.  A probe need not fit into the allowance,
 * which is only a guess until it is answered. */
static uint32_t limit_of(struct layout *lay, uint32_t scope, uint32_t k)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;
    uint32_t requests = limits_of(lay, scope)->requests;

    if (re->state == RETREAT_NORMAL)
        return requests;
    re = admit_retreat(lay, scope);
    if (k == 0 && re->state != RETREAT_RECOVERING)
        return requests;
    return retreat_limit(re, requests);
}

uint32_t admit_limit(struct layout *lay, uint32_t scope)
{
    return limit_of(lay, scope, 1);
}

/* held_until() for the K-th of those that wait: behind a probe the others
 * wait for its answer. */
static int64_t foretell_hold(struct layout *lay, uint32_t scope, uint32_t k,
                             int64_t now)
{
    int64_t until = held_until(lay, scope, now), paid;
    uint32_t state = scope_at(lay, scope)->retreat.state;

    if (!model_state_paid(lay, limits_upstream(lay, scope), now, &paid))
        return max_i64(until, paid);
    if (state == RETREAT_PROBING && until > now)
        return min_i64(until, now + ANSWER_NS);
    if (state == RETREAT_PROBING || state == RETREAT_HOLDING)
        return k == 0 ? until : until + ANSWER_NS;
    return until;
}

int64_t admit_grows_at(struct layout *lay, uint32_t scope)
{
    const struct retreat *re = &scope_at(lay, scope)->retreat;

    if (re->state != RETREAT_RECOVERING)
        return NEVER;
    return admit_retreat(lay, scope)->until_ns;
}

/* ---- one --------------------------------------------------------------- */

void admit_refresh(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    struct bucket_rule br = limits_bucket(r);

    window_expire(lay, scope, now - limits_span_ns(r));
    bucket_fill(&sound_scope(lay, scope)->bucket, &br, now);
}

/* When the window lets one more through. */
static int64_t window_opens(struct layout *lay, uint32_t scope,
                            const struct limiter_rules *r, int64_t now)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open, limit = limit_of(lay, scope, 0);
    int64_t known = known_from(lay, scope, r);

    if (used < limit)
        return max_i64(now, known);
    if (used - limit >= s->window.n)
        return NEVER; /* open ones alone fill it: a write must come first */
    return max_i64(window_nth(lay, scope, used - limit) + limits_span_ns(r),
                   known);
}

/* Each open row may need a fresh chunk when it is written.  A count that is
 * wrong would look the same, and be for ever: so what shows it is looked at. */
static bool log_is_full(const struct layout *lay)
{
    if (window_chunks_left(lay, false) > lay->live.open)
        return false;
    if (lay->live.open > lay->live.rows_high)
        sigbus_damaged("open requests");
    return true;
}

bool admit_now(struct layout *lay, uint32_t scope, int64_t now, int64_t *when)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = limits_bucket(r);
    int64_t paid;

    *when =
        max_i64(window_opens(lay, scope, r, now), held_until(lay, scope, now));
    if (!model_state_paid(lay, limits_upstream(lay, scope), now, &paid))
        *when = max_i64(*when, paid);
    if (has_bucket(r) && s->open >= r->burst)
        *when = NEVER; /* more than all tokens are spoken for */
    else if (has_bucket(r))
        *when = max_i64(*when, now + bucket_wait_ns(&s->bucket, &br, now,
                                                    s->open + INT64_C(1)));
    if (r->min_gap_ns > 0)
        *when = max_i64(*when, gap_ends(lay, scope, r));
    if (r->in_flight > 0 && s->in_flight >= r->in_flight)
        *when = NEVER;
    if (log_is_full(lay))
        *when = max_i64(*when, now + NS_PER_S);
    if (lay->control.paused_ns != 0)
        *when = NEVER;
    return *when <= now;
}

void admit_granted(struct layout *lay, uint32_t row, int64_t now)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = sound_scope(lay, r->scope);
    struct retreat new;

    s->last_send_ns = max_i64(s->last_send_ns, now);
    model_state_granted(lay, row, now);
    if (s->retreat.state != RETREAT_PROBING)
        return;
    new = s->retreat;
    retreat_probe(&new, row, r->id, now);
    draft_put(lay, &s->retreat, &new, sizeof(new));
    lay->live.counters.probes++;
}

void admit_sent(struct layout *lay, uint32_t scope, int64_t at)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = limits_bucket(r);
    const struct retreat_rule u = admit_retreat_rule(lay, scope);

    bucket_charge(&s->bucket, &br, at);
    s->last_send_ns = max_i64(s->last_send_ns, at);
    retreat_sent(&s->retreat, &u, at);
}

/* ---- the k-th ------------------------------------------------------------ */

/*
 * Slots of the window in the order they open: the free ones at once, then one
 * for each send that expires, oldest first, then one for each open request.
 * K is below LIMIT; the slots after those are the same a span later.
 */
static int64_t window_slot(struct layout *lay, uint32_t scope,
                           const struct limiter_rules *r, uint32_t limit,
                           uint32_t k, int64_t at, int64_t now)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open;

    if (used + k < limit)
        return at;
    k = used + k - limit; /* this one must expire first */
    if (k < s->window.n)
        return max_i64(at, window_nth(lay, scope, k) + limits_span_ns(r));
    return max_i64(at, now + limits_span_ns(r));
}

/* The K-th slot, were there neither gap nor bucket. */
static int64_t slot_at(struct layout *lay, uint32_t scope,
                       const struct limiter_rules *r, uint32_t k, int64_t now)
{
    uint32_t limit = limit_of(lay, scope, k);
    int64_t at =
        max_i64(foretell_hold(lay, scope, k, now), known_from(lay, scope, r));

    return window_slot(lay, scope, r, limit, k % limit, at, now) +
           k / limit * limits_span_ns(r);
}

/* slot_at() for the first N, in one go. */
static void slots_at(struct layout *lay, uint32_t scope,
                     const struct limiter_rules *r, uint32_t n, int64_t now,
                     int64_t *out)
{
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open, limit = limit_of(lay, scope, 1);
    uint32_t skip = used > limit ? used - limit : 0;
    uint32_t first = n < limit ? n : limit, i = 0, logged;
    int64_t at =
        max_i64(foretell_hold(lay, scope, 1, now), known_from(lay, scope, r));

    for (; i < first && used + i < limit; i++)
        out[i] = at;
    logged = skip < s->window.n ? s->window.n - skip : 0;
    if (logged > first - i)
        logged = first - i;
    window_copy(lay, scope, skip, logged, &out[i]);
    for (; logged > 0; logged--, i++)
        out[i] = max_i64(at, out[i] + limits_span_ns(r));
    for (; i < first; i++)
        out[i] = max_i64(at, now + limits_span_ns(r));
    for (; i < n; i++)
        out[i] = out[i - limit] + limits_span_ns(r);
    if (n > 0) /* last: the others are not the probe */
        out[0] = slot_at(lay, scope, r, 0, now);
}

void admit_etas(struct layout *lay, uint32_t scope, uint32_t n, int64_t now,
                int64_t *out)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = limits_bucket(r);
    struct bucket b = s->bucket;
    /* Not before the one before it, nor before its gap is over. */
    int64_t after = foretell_gap(lay, scope, r, now);
    uint32_t limit = limit_of(lay, scope, 1), i;

    slots_at(lay, scope, r, n, now, out);
    bucket_fill(&b, &br, now);
    b.level -= s->open * br.window_ns;
    for (i = 0; i < n; i++) {
        if (i >= limit)
            out[i] = max_i64(out[i], out[i - limit] + limits_span_ns(r));
        out[i] = max_i64(out[i], after);
        if (has_bucket(r)) {
            out[i] += bucket_wait_ns(&b, &br, out[i], 1);
            bucket_charge(&b, &br, out[i]);
        }
        after = out[i] + r->min_gap_ns;
    }
    for (i = 0; i < n; i++)
        if (lay->control.paused_ns != 0 || (r->in_flight > 0 && out[i] <= now &&
                                            s->in_flight + i >= r->in_flight))
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

bool admit_is_stepwise(struct layout *lay, uint32_t scope)
{
    const struct limiter_rules *r = limits_of(lay, scope);

    return has_bucket(r) || r->min_gap_ns > 0;
}

int64_t admit_eta(struct layout *lay, uint32_t scope, uint32_t k, int64_t now)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    int64_t eta;

    if (lay->control.paused_ns != 0)
        return NEVER;
    if (k >= LAY_ROWS)
        k = LAY_ROWS - 1;
    if (admit_is_stepwise(lay, scope))
        return step_by_step(lay, scope, k, now);
    eta = slot_at(lay, scope, r, k, now);
    if (eta <= now && r->in_flight > 0 && s->in_flight + k >= r->in_flight)
        return NEVER;
    return eta;
}

uint32_t admit_used(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    uint32_t used = s->window.n + s->open;

    if (now < known_from(lay, scope, r) || used > r->requests)
        return r->requests;
    return used;
}

int64_t admit_tokens_milli(struct layout *lay, uint32_t scope, int64_t now)
{
    const struct limiter_rules *r = limits_of(lay, scope);
    const struct lay_scope *s = sound_scope(lay, scope);
    struct bucket_rule br = limits_bucket(r);
    struct bucket b = s->bucket;

    bucket_fill(&b, &br, now);
    b.level -= s->open * br.window_ns;
    return bucket_tokens_milli(&b, &br);
}
