/*
 * ejection.c - for how long is a model, or a whole upstream, left alone?
 *
 * As long as the upstream says, else by the cause: DEGRADED and the like for
 * a minute, doubling; what is gone, for a day; what is unknown, for a minute,
 * so that a client that repeats it spends no slots; what is not paid for, for
 * five minutes, doubling.  Answers to requests that are older than the ejection
 * change nothing.
 */
#include "state/policy/ejection.h"

#include <assert.h>
#include <string.h>

#include "lib/base.h"

#define MINUTE_NS  (60 * NS_PER_S)
#define DAY_NS     (86400 * NS_PER_S)
#define STREAK_MAX 32

static const struct {
    int64_t first_ns, longest_ns;
} spans[EJECTION_CAUSES] = {
    [EJECTED_NOT] = {MINUTE_NS, 15 * MINUTE_NS},
    [EJECTED_UNAVAILABLE] = {MINUTE_NS, 15 * MINUTE_NS},
    [EJECTED_DEGRADED] = {MINUTE_NS, 15 * MINUTE_NS},
    [EJECTED_UNKNOWN] = {MINUTE_NS, MINUTE_NS},
    [EJECTED_GONE] = {DAY_NS, DAY_NS},
    [EJECTED_RATE] = {MINUTE_NS, 15 * MINUTE_NS},
    [EJECTED_UNPAID] = {5 * MINUTE_NS, 60 * MINUTE_NS},
};
static_assert(EJECTED_UNPAID == EJECTION_CAUSES - 1, "one span for each cause");

bool ejection_is_sane(const struct ejection *b, int64_t now)
{
    return b->until_ns >= 0 && b->until_ns <= now + 2 * DAY_NS &&
           b->streak <= STREAK_MAX;
}

static int64_t span_ns(const struct ejection *b,
                       const struct ejection_answer *what)
{
    int64_t span;
    uint32_t k;

    /* Whether an account has been paid for, no upstream foretells. */
    if (what->retry_after_ns >= 0 && what->cause != EJECTED_UNPAID)
        return max_i64(min_i64(what->retry_after_ns, DAY_NS), NS_PER_S);
    span = spans[what->cause].first_ns;
    for (k = 0; k < b->streak && span < spans[what->cause].longest_ns; k++)
        span *= 2;
    return min_i64(span, spans[what->cause].longest_ns);
}

bool ejection_begin(struct ejection *b, const struct ejection_answer *what,
                    int64_t now)
{
    if (b->grant > 0 && what->grant <= b->grant)
        return false;
    b->grant = what->last_grant;
    b->cause = (uint16_t)what->cause;
    memset(b->reason, 0, sizeof(b->reason));
    memcpy(b->reason, what->reason,
           strnlen(what->reason, sizeof(b->reason) - 1));
    __atomic_store_n(&b->until_ns, now + span_ns(b, what), __ATOMIC_RELEASE);
    b->streak += b->streak < STREAK_MAX;
    return true;
}

void ejection_answered(struct ejection *b, uint64_t grant)
{
    if (grant > b->grant)
        b->streak = 0;
}

void ejection_end(struct ejection *b)
{
    __atomic_store_n(&b->until_ns, 0, __ATOMIC_RELEASE);
}

enum ejection_cause ejection_cause(const struct ejection *b)
{
    return b->cause < EJECTION_CAUSES ? (enum ejection_cause)b->cause
                                      : EJECTED_UNAVAILABLE;
}
