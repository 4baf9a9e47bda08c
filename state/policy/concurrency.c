/*
 * concurrency.c - how many requests in flight does a model bear?
 *
 * Its workers or its queue said "enough".  A burst is refused in one go: the
 * first refusal cuts by a quarter, each further one of the same burst only brings
 * the limit below what is still in flight, which in the end is what the model
 * took; or it says how many it bears, and is believed.  Some limits' worth of
 * fine answers makes it one more, and each refusal of one more doubles how many:
 * so a limit that stays costs ever fewer.  At twice what was in flight at the
 * first cut it is forgotten.
 *
 * Some models refuse whatever we do: others use them as well, or they shed.
 * Those that were alone in flight tell how often.  What that explains is no
 * reason to cut, and a limit of one that helps nothing doubles.
 *
 * Normally a blocked request goes when another one ends.  One that was alone
 * has nothing to wait for, so the model rests a while: the limit in a minute
 * would be spent on refusals otherwise.
 */
#include "state/policy/concurrency.h"

#include "lib/base.h"

#define REST_NS      (250 * NS_PER_MS) /* the first; doubling, */
#define REST_TOP     7                 /* so often: to 32 s */
#define REST_MAX_NS  (300 * NS_PER_S)  /* as the default of retreat.max_s */
#define PATIENCE     2
#define PATIENCE_MAX 16
#define FREE_MANY    200 /* answers that are remembered without a limit */
#define TOLERATED    0.1 /* of those within what it bears, by chance */

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t at_least_one(uint32_t n)
{
    return n > 0 ? n : 1;
}

static void rest(struct concurrency *c, const struct concurrency_refusal *what,
                 int64_t now)
{
    int64_t span = what->retry_after_ns;

    if (span < 0 && what->in_flight > 1)
        return;
    if (span < 0)
        span = c->streak == 0 ? 0 : REST_NS << min_u32(c->streak, REST_TOP);
    c->streak = min_u32(c->streak, REST_TOP) + 1;
    c->span_ns = min_i64(span, REST_MAX_NS);
    if (span > 0)
        c->rest_ns = now + c->span_ns;
}

/* ---- whom it refuses whatever we do ------------------------------------------ */

/* Would these explain the refusals since the limit last changed? */
static bool is_mood(const struct concurrency *c)
{
    double share = chance_share(&c->lone);

    if (c->size > 0 && share < TOLERATED)
        share = TOLERATED;
    return chance_explains(share, c->refused, c->credit + c->refused);
}

/* ---- the limit ------------------------------------------------------------------ */

static void set(struct concurrency *c, uint32_t limit,
                const struct concurrency_refusal *what)
{
    c->limit = at_least_one(limit);
    c->size = c->limit;
    c->credit = c->refused = c->took = 0;
    c->grant = what->last_grant;
}

/* Of a burst that is known: what is still there is what it took. */
static void cut_further(struct concurrency *c,
                        const struct concurrency_refusal *what)
{
    uint32_t left =
        at_least_one(what->in_flight - (what->in_flight > 0) + c->took);

    if (c->limit == 0 || chance_share(&c->lone) > 0)
        return;
    c->limit = min_u32(c->limit, left);
    c->size = min_u32(c->size, c->limit);
}

static void cut(struct concurrency *c, const struct concurrency_refusal *what)
{
    uint32_t n = at_least_one(what->in_flight);

    if (what->told > 0 && what->told < n + c->limit) {
        set(c, what->told, what);
        c->patience = PATIENCE_MAX;
    } else if (c->limit > 0 && c->limit > c->size && n > c->size) {
        set(c, c->size, what); /* it was one more than it bears */
        c->patience = min_u32(2 * c->patience, PATIENCE_MAX);
    } else {
        n = c->limit > 0 ? min_u32(n, c->limit) : n;
        set(c, n - at_least_one(n / 4), what);
        c->patience = PATIENCE;
    }
}

bool concurrency_cut(struct concurrency *c,
                     const struct concurrency_refusal *what, int64_t now)
{
    bool alone = what->in_flight <= 1;

    if (alone)
        chance_note(&c->lone, 0, 1);
    if (c->grant > 0 && what->grant <= c->grant) {
        cut_further(c, what);
        return false;
    }
    c->refused++;
    if (what->retry_after_ns < 0 && is_mood(c) &&
        (chance_share(&c->lone) > 0 || what->in_flight <= c->size)) {
        if (alone)
            rest(c, what, now);
        return false;
    }
    if (c->limit == 0)
        c->from = at_least_one(what->in_flight);
    cut(c, what);
    rest(c, what, now);
    return true;
}

bool concurrency_grow(struct concurrency *c, uint64_t grant, uint32_t in_flight)
{
    if (in_flight <= 1)
        chance_note(&c->lone, 1, 0);
    c->streak = 0;
    if (grant <= c->grant && c->took < UINT32_MAX)
        c->took++;
    if (grant <= c->grant)
        return false;
    c->credit++;
    if (c->limit == 0) {
        if (c->credit > FREE_MANY) {
            c->credit /= 2;
            c->refused /= 2;
        }
        return false;
    }
    if (c->credit < c->limit * at_least_one(c->patience) &&
        (chance_share(&c->lone) == 0 || c->credit < c->limit))
        return false;
    c->credit = c->refused = 0;
    c->size = c->limit;
    c->limit = chance_share(&c->lone) > 0 ? 2 * c->limit : c->limit + 1;
    if (c->limit / 2 <= c->from)
        return false;
    c->limit = 0;
    return true;
}

bool concurrency_rests(const struct concurrency *c, int64_t now)
{
    return c->rest_ns > now && c->rest_ns <= now + REST_MAX_NS;
}

int64_t concurrency_rest_span(const struct concurrency *c, int64_t now)
{
    return concurrency_rests(c, now) ? c->span_ns : 0;
}

bool concurrency_blocks(const struct concurrency *c, uint32_t in_flight,
                        int64_t now)
{
    return concurrency_rests(c, now) || (c->limit > 0 && in_flight >= c->limit);
}
