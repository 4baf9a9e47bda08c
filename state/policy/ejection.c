/*
 * ejection.c - for how long is a model, or a whole upstream, left alone?
 *
 * As long as the upstream says, else by the cause: DEGRADED and the like for
 * a minute, doubling; what is gone, for a day; what is unknown, for a minute,
 * so that a client that repeats it spends no slots; what is not paid for, for
 * five minutes, and who refuses our key, for a minute, doubling; who cannot be
 * reached, for a second, doubling up to half a minute.  Answers to requests that are older than the ejection
 * change nothing.
 */
#include "state/policy/ejection.h"

#include <string.h>

#include "lib/base.h"

#define MINUTE_NS  (60 * NS_PER_S)
#define DAY_NS     (86400 * NS_PER_S)
#define STREAK_MAX 32

struct span {
    int64_t first_ns, longest_ns;
    bool is_ours; /* whatever the upstream says */
};

/* The compiler names a cause that is missing. */
static struct span span_of(enum ejection_cause cause)
{
    switch (cause) {
    case EJECTED_UNKNOWN:
        return (struct span){MINUTE_NS, MINUTE_NS, false};
    case EJECTED_GONE:
        return (struct span){DAY_NS, DAY_NS, false};
    case EJECTED_UNPAID:
    case EJECTED_QUOTA: /* whether it has been paid for, no upstream foretells */
        return (struct span){5 * MINUTE_NS, 60 * MINUTE_NS, true};
    case EJECTED_KEY:
        return (struct span){MINUTE_NS, 60 * MINUTE_NS, true};
    case EJECTED_AWAY:
    case EJECTED_FAULTY:
        return (struct span){NS_PER_S, MINUTE_NS / 2, true};
    case EJECTED_NOT:
    case EJECTED_UNAVAILABLE:
    case EJECTED_DEGRADED:
    case EJECTED_RATE:
    case EJECTION_CAUSES:
        break;
    }
    return (struct span){MINUTE_NS, 15 * MINUTE_NS, false};
}

bool ejection_is_sane(const struct ejection *b, int64_t now)
{
    return b->until_ns >= 0 && b->until_ns <= now + 2 * DAY_NS &&
           b->streak <= STREAK_MAX;
}

static int64_t span_ns(const struct ejection *b,
                       const struct ejection_answer *what)
{
    const struct span of = span_of(what->cause);
    int64_t span = of.first_ns;
    uint32_t k;

    if (what->retry_after_ns >= 0 && !of.is_ours)
        return max_i64(min_i64(what->retry_after_ns, DAY_NS), NS_PER_S);
    for (k = 0; k < b->streak && span < of.longest_ns; k++)
        span *= 2;
    return min_i64(span, of.longest_ns);
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
