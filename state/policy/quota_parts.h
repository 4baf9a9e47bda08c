/*
 * What quota.c and quota_eta.c both ask of a client's row.
 */
#ifndef SLUICE_QUOTA_PARTS_H
#define SLUICE_QUOTA_PARTS_H

#include "state/policy/layout.h"
#include "state/policy/quota_form.h"
#include "state/policy/window.h"

#define QUOTA_DAY_NS (86400 * NS_PER_S) /* no margin is longer either */

static inline bool quota_is_span(int64_t span_ns)
{
    return span_ns >= QUOTA_MINUTE_NS &&
           span_ns <= QUOTA_MINUTE_NS + QUOTA_DAY_NS;
}

static inline int64_t quota_span(struct layout *lay)
{
    if (!quota_is_span(lay->live.quota_span_ns))
        sigbus_damaged("span of the clients' limits");
    return lay->live.quota_span_ns;
}

static inline struct lay_quota *quota_at(struct layout *lay, uint32_t client)
{
    struct lay_quota *q = LAY_AT(lay, quotas, client, LAY_CLIENTS);

    if (q->per_min > QUOTA_MAX || lay->clients[client].open > LAY_ROWS ||
        (q->open_weight | q->open_tokens) > (uint64_t)LAY_ROWS * LAY_TOKENS_MAX)
        sigbus_damaged("a client's limit");
    return q;
}

static inline uint32_t quota_owner(uint32_t client)
{
    return LAY_SCOPES + client;
}

/* Until then the window counts as full. */
static inline int64_t quota_known_from(struct layout *lay,
                                       const struct lay_quota *q)
{
    int64_t lost = max_i64(q->lost_ns, lay->live.quota_lost_ns);

    if (lost > lay->live.now_ns + 2 * NS_PER_S)
        sigbus_damaged("a loss in the future");
    return lost + quota_span(lay);
}

static inline bool quota_has_minute(const struct lay_quota *q)
{
    return q->per_min > 0 || q->tokens_per_min > 0;
}

static inline bool quota_has_any(const struct lay_quota *q)
{
    return quota_has_minute(q) || q->tokens_per_day > 0;
}

/* All that is in the log, or open: more than counts, until it is expired. */
static inline struct quota_sum quota_taken(const struct lay_quota *q)
{
    return (struct quota_sum){q->window.weight + q->open_weight,
                              q->window.tokens + q->open_tokens};
}

static inline uint64_t quota_taken_of_day(const struct lay_quota *q,
                                          int64_t now)
{
    return day_sums_used(q->hours, now) + q->open_tokens;
}

/* Each open request may need a chunk when it is written. */
static inline bool quota_log_is_full(const struct layout *lay)
{
    if (lay->live.open < window_chunks_left(lay, true))
        return false;
    if (lay->live.open > lay->live.rows_high) /* or it would be for ever */
        sigbus_damaged("open requests");
    return true;
}

/*
 * A limit is asked how much is over it if WANT are to go: so much must have
 * expired.  One that takes more than a whole limit goes alone: it was let in by an
 * estimate that may be too high.
 */
static inline uint64_t quota_over(uint64_t taken, uint64_t want, uint64_t limit)
{
    if (want > limit)
        want = limit;
    return taken + want > limit ? taken + want - limit : 0;
}

static inline uint64_t quota_at_most(uint64_t n, uint64_t max)
{
    return n < max ? n : max;
}

/* Of the minute's LIMIT on requests, or on tokens. */
static inline uint64_t quota_minute_used(struct layout *lay, uint32_t client,
                                         uint64_t limit, bool tokens,
                                         int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t horizon = now - quota_span(lay);

    if (now < quota_known_from(lay, q))
        return limit;
    return quota_at_most(
        tokens ? window_tokens_after(lay, quota_owner(client), horizon) +
                     q->open_tokens
               : window_weight_after(lay, quota_owner(client), horizon) +
                     q->open_weight,
        limit);
}

#endif
