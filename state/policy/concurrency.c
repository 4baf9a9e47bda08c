/*
 * concurrency.c - how many requests in flight does a model bear?
 *
 * Its workers or its queue said "enough": a quarter less than what is in
 * flight now, and never fewer than one.  A burst is refused in one go: the
 * first refusal cuts, each further one of the same burst only brings the
 * limit below what is still in flight, which in the end is what the model
 * took.  Each limit's worth of fine answers makes it one more, and at twice
 * what was in flight at the first cut it is forgotten.
 *
 * Normally a blocked request goes when another one ends.  One that was alone
 * has nothing to wait for, so the model rests a while: the limit in a minute
 * would be spent on refusals otherwise.
 */
#include "state/policy/concurrency.h"

#include "lib/base.h"

#define REST_NS     NS_PER_S         /* the first; doubling, */
#define REST_TOP    5                /* so often: to 32 s */
#define REST_MAX_NS (300 * NS_PER_S) /* as the default of retreat.max_s */

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
        span = REST_NS << min_u32(c->streak, REST_TOP);
    c->streak = min_u32(c->streak, REST_TOP) + 1;
    c->rest_ns = now + min_i64(span, REST_MAX_NS);
}

bool concurrency_cut(struct concurrency *c,
                     const struct concurrency_refusal *what, int64_t now)
{
    uint32_t n = at_least_one(what->in_flight);

    if (c->grant > 0 && what->grant <= c->grant) {
        if (c->limit > 0)
            c->limit = min_u32(c->limit, at_least_one(n - 1));
        return false;
    }
    if (c->limit == 0)
        c->from = n;
    else
        n = min_u32(n, c->limit);
    c->limit = at_least_one(n - at_least_one(n / 4));
    c->credit = 0;
    c->grant = what->last_grant;
    rest(c, what, now);
    return true;
}

bool concurrency_grow(struct concurrency *c, uint64_t grant)
{
    if (c->limit == 0 || grant <= c->grant)
        return false;
    c->streak = 0;
    if (++c->credit < c->limit)
        return false;
    c->credit = 0;
    if (++c->limit / 2 <= c->from)
        return false;
    c->limit = 0;
    return true;
}

bool concurrency_rests(const struct concurrency *c, int64_t now)
{
    return c->rest_ns > now && c->rest_ns <= now + REST_MAX_NS;
}

bool concurrency_blocks(const struct concurrency *c, uint32_t in_flight,
                        int64_t now)
{
    return concurrency_rests(c, now) || (c->limit > 0 && in_flight >= c->limit);
}
