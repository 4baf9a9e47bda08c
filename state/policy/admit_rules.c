/*
 * admit_rules.c - what has to be so before one more may go?
 *
 * A request that is open may be written at any moment from now on.  So it
 * takes a place in the window as if it were sent now, and it has a claim on
 * tokens that are only taken, like the entry in the log, when it is written.  A
 * gap is one between writes: while one is open, no other goes.
 *
 * The margin absorbs transit jitter, because the upstream counts arrivals
 * while we count writes.
 */
#include "state/policy/admit_rules.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"

#define ANSWER_NS NS_PER_S /* a probe's answer, by experience */

/* Where a gap is asked for, so long the next waits for one that is open: above
 * what a connection takes, and a worker that is stopped does not stop all. */
#define GAP_OPEN_NS (60 * NS_PER_S)

#define DECLARE(name, text)                                                    \
    static int64_t name##_now(const struct admit_ask *a, struct take what);    \
    static int64_t name##_foretell(struct forecast *f, struct take what,       \
                                   int64_t at);
ADMIT_RULES(DECLARE)
#undef DECLARE

#include "state/policy/admit_tokens.h"

/* ---- known: the window is full until all that was forgotten has passed ---- */

static int64_t known_now(const struct admit_ask *a, struct take what)
{
    (void)what;
    return limits_lost_at(a->lay, a->upstream) + limits_span_ns(a->r);
}

static int64_t known_foretell(struct forecast *f, struct take what, int64_t at)
{
    return max_i64(at, known_now(&f->ask, what));
}

/* ---- hold: behind a probe the others wait for its answer -------------------- */

static int64_t hold_now(const struct admit_ask *a, struct take what)
{
    (void)what;
    return a->s->retreat.state == RETREAT_NORMAL
               ? a->now
               : scope_held_until(a->lay, a->scope, a->now);
}

static int64_t hold_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct admit_ask *a = &f->ask;
    uint32_t state = a->s->retreat.state;
    int64_t until;

    if (state == RETREAT_NORMAL || state == RETREAT_RECOVERING)
        return at;
    until = hold_now(a, what);
    if (state == RETREAT_PROBING && until > a->now)
        until = min_i64(until, a->now + ANSWER_NS);
    else if (f->n > 0)
        until += ANSWER_NS;
    return max_i64(at, until);
}

/* ---- pace: what was learned of a rate, and the slow start behind a hold ------- */

static int64_t pace_now(const struct admit_ask *a, struct take what)
{
    (void)what;
    return a->s->retreat.state == RETREAT_RECOVERING
               ? max_i64(retreat_free_at(&a->s->retreat), a->now)
               : a->now;
}

static int64_t pace_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct retreat *re = &f->ask.s->retreat;

    if (re->state == RETREAT_NORMAL || (f->n > 0 && re->pace.gap_ns == 0))
        return at;
    if (f->n > 0)
        return max_i64(at, f->last_ns + re->pace.gap_ns);
    return max_i64(at, pace_now(&f->ask, what));
}

/* ---- unpaid: after a 402 one tries, in time ---------------------------------- */

static int64_t unpaid_now(const struct admit_ask *a, struct take what)
{
    int64_t paid;

    (void)what;
    if (a->lay->live.limited == 0)
        return a->now;
    (void)model_state_paid(a->lay, a->upstream, a->now, &paid);
    return paid;
}

static int64_t unpaid_foretell(struct forecast *f, struct take what, int64_t at)
{
    return max_i64(at, unpaid_now(&f->ask, what));
}

/* ---- log_room: a chunk for each ------------------------------------------------ */

/* Each open row may need a fresh chunk when it is written.  A count that is
 * wrong would look the same, and be for ever: so what shows it is looked at. */
static int64_t log_room_now(const struct admit_ask *a, struct take what)
{
    const struct lay_live *l = &a->lay->live;

    (void)what;
    if (window_chunks_left(a->lay, false) > l->open)
        return a->now;
    if (l->open > l->rows_high)
        sigbus_damaged("open requests");
    return a->now + NS_PER_S;
}

static int64_t log_room_foretell(struct forecast *f, struct take what,
                                 int64_t at)
{
    return max_i64(at, log_room_now(&f->ask, what));
}

/* ---- window: the sum of the last window and margin --------------------------- */

static uint64_t limit_of(const struct admit_ask *a, uint32_t k)
{
    return a->s->retreat.state == RETREAT_NORMAL
               ? limits_requests(a->lay, a->r)
               : scope_limit(a->lay, a->scope, k);
}

static int64_t window_now(const struct admit_ask *a, struct take what)
{
    uint64_t limit = limit_of(a, 0);
    uint64_t want = a->s->window.weight + a->s->open_weight + what.weight;
    int64_t sent;

    if (want <= limit)
        return a->now;
    if (!window_frees(a->lay, a->scope, want - limit, &sent))
        return NEVER; /* open ones fill it: a write must come first */
    return sent + limits_span_ns(a->r);
}

/* When WEIGHT of all that was or will be sent was sent: the log, then what is
 * open, then those of the forecast. */
static int64_t sent_by(struct forecast *f, uint64_t weight)
{
    const struct admit_ask *a = &f->ask;

    if (weight <= a->s->window.weight) {
        if (!window_walk_to(a->lay, &f->walk, weight))
            sigbus_damaged("weight of the sends");
        return f->walk.sent_ns;
    }
    if (weight <= f->used)
        return a->now;
    while (f->expired < weight - f->used && f->expired_n < f->n) {
        f->expired += f->takes == NULL ? 1 : f->takes[f->expired_n].weight;
        f->expired_n++;
    }
    if (f->expired_n == 0 || f->times[f->expired_n - 1] == NEVER)
        return a->now;
    return f->times[f->expired_n - 1];
}

static int64_t window_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct admit_ask *a = &f->ask;
    uint64_t limit = limit_of(a, f->n);
    uint64_t want = f->used + f->weight + what.weight;

    if (what.weight > limit)
        return NEVER;
    if (want > limit)
        at = max_i64(at, sent_by(f, want - limit) + limits_span_ns(a->r));
    return at + f->rounds_ns;
}

/* ---- gap: between writes ---------------------------------------------------------- */

/* One that is open may be written at any moment: its write comes first, unless
 * that takes absurdly long.  What was forgotten may have been sent until it
 * was. */
static int64_t gap_now(const struct admit_ask *a, struct take what)
{
    int64_t gap = a->r->min_gap_ns;

    (void)what;
    if (gap == 0)
        return a->now;
    if (a->s->open > 0)
        gap = max_i64(gap, GAP_OPEN_NS);
    return max_i64(a->s->last_send_ns + gap,
                   limits_lost_at(a->lay, a->upstream) + a->r->min_gap_ns);
}

static int64_t gap_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct admit_ask *a = &f->ask;
    int64_t ends;

    if (a->r->min_gap_ns == 0)
        return at;
    if (f->n > 0)
        return max_i64(at, f->last_ns + a->r->min_gap_ns);
    ends = gap_now(a, what);
    if (a->s->open > 0)
        ends = min_i64(ends, a->now + a->r->min_gap_ns);
    return max_i64(at, ends);
}

/* ---- bucket ------------------------------------------------------------------------- */

/* Equal to the requests of a window, the window is the stricter of the two. */
static bool has_bucket(const struct lay_rules *r)
{
    return r->burst < r->requests;
}

static int64_t bucket_now(const struct admit_ask *a, struct take what)
{
    const struct bucket_rule br = limits_bucket(a->r);

    if (!has_bucket(a->r))
        return a->now;
    if (a->s->open_weight + what.weight > a->r->burst)
        return NEVER; /* more than all tokens are spoken for */
    return a->now + bucket_wait_ns(&a->s->bucket, &br, a->now,
                                   (int64_t)(a->s->open_weight + what.weight));
}

static int64_t bucket_foretell(struct forecast *f, struct take what, int64_t at)
{
    const struct bucket_rule br = limits_bucket(f->ask.r);

    if (!has_bucket(f->ask.r))
        return at;
    if (what.weight > br.burst)
        return NEVER;
    return at + bucket_wait_ns(&f->bucket, &br, at, what.weight);
}

/* ---- in_flight: by rows, whatever they weigh ---------------------------------------- */

static int64_t in_flight_now(const struct admit_ask *a, struct take what)
{
    (void)what;
    return a->r->in_flight > 0 && a->s->in_flight >= a->r->in_flight ? NEVER
                                                                     : a->now;
}

/* Of those that go later nobody can say how many will have ended by then. */
static int64_t in_flight_foretell(struct forecast *f, struct take what,
                                  int64_t at)
{
    const struct admit_ask *a = &f->ask;

    (void)what;
    return at <= a->now && a->r->in_flight > 0 &&
                   a->s->in_flight + f->n >= a->r->in_flight
               ? NEVER
               : at;
}

/* ---- pause --------------------------------------------------------------------------- */

static int64_t pause_now(const struct admit_ask *a, struct take what)
{
    (void)what;
    return a->lay->control.paused_ns != 0 ? NEVER : a->now;
}

static int64_t pause_foretell(struct forecast *f, struct take what, int64_t at)
{
    return pause_now(&f->ask, what) == NEVER ? NEVER : at;
}

/* ---- all of them ------------------------------------------------------------------- */

void admit_rules_ask(struct admit_ask *ask, struct layout *lay, uint32_t scope,
                     int64_t now)
{
    *ask = (struct admit_ask){.lay = lay,
                              .scope = scope,
                              .upstream = limits_upstream(lay, scope),
                              .s = scope_sound(lay, scope),
                              .r = limits_of(lay, scope),
                              .now = now};
}

#define ROW(name, text) {#name, text, name##_now, name##_foretell},
const struct admit_rule admit_rules[] = {ADMIT_RULES(ROW)};
#undef ROW
static_assert(ARRAY_LEN(admit_rules) == ADMIT_RULES_N, "a row for each");

/* By their names and not through a table of pointers: so the compiler sees
 * through them, and a rule that is not in force costs next to nothing. */
int64_t admit_rules_now(const struct admit_ask *ask, struct take what)
{
    int64_t when = ask->now;

#define ASK(name, text) when = max_i64(when, name##_now(ask, what));
    ADMIT_RULES(ASK)
#undef ASK
    return when;
}

static struct take each_of(const struct admit_ask *ask)
{
    uint64_t n = ask->s->waiting;

    if (n == 0) /* a token at least */
        return (struct take){1, ask->r->tokens > 0};
    return (struct take){1, (uint32_t)((ask->s->lined_tokens + n - 1) / n)};
}

struct take forecast_each(const struct forecast *f)
{
    return f->each;
}

void forecast_begin(struct forecast *f, const struct admit_ask *ask,
                    const int64_t *times, const struct take *takes)
{
    const struct bucket_rule br = limits_bucket(ask->r);

    *f = (struct forecast){.ask = *ask,
                           .used = ask->s->window.weight + ask->s->open_weight +
                                   ask->s->kept,
                           .last_ns = ask->now,
                           .bucket = ask->s->bucket,
                           .times = times,
                           .takes = takes,
                           .each = each_of(ask)};
    window_walk_begin(ask->lay, ask->scope, &f->walk);
    window_walk_tokens(ask->lay, ask->scope, &f->tokens.walk);
    f->tokens.used = ask->s->window.tokens + ask->s->open_tokens;
    if (has_bucket(ask->r))
        bucket_charge(&f->bucket, &br, ask->s->open_weight, ask->now);
}

/* It goes AT. */
static void forecast_gone(struct forecast *f, struct take what, int64_t at)
{
    const struct bucket_rule br = limits_bucket(f->ask.r);

    if (has_bucket(f->ask.r))
        bucket_charge(&f->bucket, &br, what.weight, at);
    f->n++;
    f->weight += what.weight;
    f->tokens.gone += what.tokens;
    f->last_ns = at;
}

int64_t forecast_next(struct forecast *f, struct take what)
{
    int64_t at = f->last_ns, by;
    bool never = false;

#define ASK(name, text)                                                        \
    by = name##_foretell(f, what, at);                                         \
    never |= by == NEVER;                                                      \
    at = by == NEVER ? at : by;
    ADMIT_RULES(ASK)
#undef ASK
    forecast_gone(f, what, at);
    return never ? NEVER : at;
}

void forecast_skip(struct forecast *f, uint32_t k)
{
    uint32_t limit = (uint32_t)limit_of(&f->ask, k);

    f->n = k;
    if (limit == 0)
        return; /* its part of what is shared is none */
    f->weight = k % limit;
    f->rounds_ns = k / limit * limits_span_ns(f->ask.r);
}
