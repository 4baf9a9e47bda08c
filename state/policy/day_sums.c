/*
 * day_sums.c - how much went out in the last 24 hours?
 *
 * A sum for each hour, of which 25 may hold some of a day.  A sum counts until the
 * newest of what is in it is a day old: so up to an hour too long, and never too
 * short.
 *
 * The stores of a change are in such an order that whoever dies between two of
 * them leaves too much in a sum, never too little.
 */
#include "state/policy/day_sums.h"

#include "lib/base.h"

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)
#define SUM_MAX (UINT64_C(1) << 60)

static struct day_hour *hour_of(struct day_hour *hours, int64_t at)
{
    return &hours[at / HOUR_NS % DAY_HOURS];
}

static void set_sum(struct day_hour *h, uint64_t tokens)
{
    __atomic_store_n(&h->tokens, tokens < SUM_MAX ? tokens : SUM_MAX,
                     __ATOMIC_RELEASE);
}

void day_sums_add(struct day_hour hours[DAY_HOURS], int64_t at, uint64_t tokens)
{
    struct day_hour *h = hour_of(hours, at);

    if (at / HOUR_NS > h->newest_ns / HOUR_NS)
        set_sum(h, 0); /* it is of the day before yesterday's end */
    __atomic_store_n(&h->newest_ns, max_i64(h->newest_ns, at),
                     __ATOMIC_RELEASE);
    set_sum(h, h->tokens + tokens);
}

void day_sums_settle(struct day_hour hours[DAY_HOURS], int64_t at, uint64_t was,
                     uint64_t tokens)
{
    struct day_hour *h = hour_of(hours, at);

    if (at / HOUR_NS != h->newest_ns / HOUR_NS)
        return;
    set_sum(h, h->tokens - (was < h->tokens ? was : h->tokens) + tokens);
}

uint64_t day_sums_used(const struct day_hour hours[DAY_HOURS], int64_t now)
{
    uint64_t sum = 0;
    int i;

    for (i = 0; i < DAY_HOURS; i++)
        if (hours[i].newest_ns > now - DAY_NS)
            sum += hours[i].tokens;
    return sum;
}

/* The oldest whose newest is later than AFTER; NULL: there is none. */
static const struct day_hour *next_hour(const struct day_hour *hours,
                                        int64_t after)
{
    const struct day_hour *best = NULL;
    int i;

    for (i = 0; i < DAY_HOURS; i++)
        if (hours[i].newest_ns > after &&
            (best == NULL || hours[i].newest_ns < best->newest_ns))
            best = &hours[i];
    return best;
}

int64_t day_sums_free_at(const struct day_hour hours[DAY_HOURS],
                         uint64_t tokens, int64_t now)
{
    const struct day_hour *h = NULL;
    int64_t after = max_i64(now - DAY_NS, 0);
    uint64_t sum = 0;

    while ((h = next_hour(hours, after)) != NULL) {
        sum += h->tokens;
        if (sum >= tokens)
            return h->newest_ns + DAY_NS;
        after = h->newest_ns;
    }
    return NEVER;
}

bool day_sums_are_sane(const struct day_hour hours[DAY_HOURS], int64_t latest)
{
    int i;

    for (i = 0; i < DAY_HOURS; i++)
        if (hours[i].newest_ns < 0 || hours[i].newest_ns > latest ||
            hours[i].tokens > SUM_MAX)
            return false;
    return true;
}
