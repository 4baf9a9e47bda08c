/*
 * quota_eta.c - when may a client send one more, by its own limits?
 *
 *   eligible.c --> quota_free_at()   the next of a line, for the alarm
 *   position.c, ticket_ops.c, view_queue.c --> quota_eta()   behind others
 *   standing.c --> quota_tell()      for its owner
 */
#include "state/policy/quota.h"

#include "state/policy/layout.h"
#include "state/policy/quota_parts.h"
#include "state/policy/window.h"

/* As the window of a scope: what is free, then what is in the log, as it
 * expires, then what is open; and all of them again a span later. */
static int64_t minute_eta(struct layout *lay, uint32_t client, uint64_t limit,
                          uint64_t up_to, bool tokens, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t rounds = up_to > 0 ? (up_to - 1) / limit : 0;
    uint64_t out =
        quota_over(tokens ? quota_taken(q).tokens : quota_taken(q).weight,
                   up_to - rounds * limit, limit);
    int64_t span = quota_span(lay), at = max_i64(now, quota_known_from(lay, q)),
            sent;
    bool found;

    if (quota_log_is_full(lay))
        at = max_i64(at, now + NS_PER_S);
    if (out > 0) {
        found = tokens
                    ? window_frees_tokens(lay, quota_owner(client), out, &sent)
                    : window_frees(lay, quota_owner(client), out, &sent);
        at = max_i64(at, (found ? sent : now) + span);
    }
    return at + (int64_t)quota_at_most(rounds, LAY_ROWS) * span;
}

/* How many whole limits go before the last of UP_TO? */
static uint64_t rounds_before(uint64_t up_to, uint64_t limit)
{
    return limit == 0 || up_to == 0
               ? 0
               : quota_at_most((up_to - 1) / limit, LAY_ROWS);
}

int64_t quota_after_first(struct layout *lay, uint32_t client,
                          struct quota_sum up_to)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t requests = rounds_before(up_to.weight, q->per_min);
    uint64_t tokens = rounds_before(up_to.tokens, q->tokens_per_min);

    return (int64_t)(requests > tokens ? requests : tokens) * quota_span(lay);
}

static int64_t day_eta(struct layout *lay, uint32_t client, uint64_t limit,
                       uint64_t up_to, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t rounds = up_to > 0 ? (up_to - 1) / limit : 0;
    uint64_t out =
        quota_over(quota_taken_of_day(q, now), up_to - rounds * limit, limit);
    int64_t at = quota_log_is_full(lay) ? now + NS_PER_S : now, frees;

    if (out > 0) {
        frees = day_sums_free_at(q->hours, out, now);
        at = max_i64(at, frees == NEVER ? now + QUOTA_DAY_NS : frees);
    }
    return at + (int64_t)quota_at_most(rounds, LAY_ROWS) * QUOTA_DAY_NS;
}

int64_t quota_eta(struct layout *lay, uint32_t client, struct quota_sum up_to,
                  int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t at = now;

    if (q->per_min > 0)
        at = minute_eta(lay, client, q->per_min, up_to.weight, false, now);
    if (q->tokens_per_min > 0)
        at = max_i64(at, minute_eta(lay, client, q->tokens_per_min,
                                    up_to.tokens, true, now));
    if (q->tokens_per_day > 0)
        at = max_i64(
            at, day_eta(lay, client, q->tokens_per_day, up_to.tokens, now));
    return at;
}

/* As quota_over() has it, of what is more than a whole limit. */
int64_t quota_free_at(struct layout *lay, uint32_t client, struct take what,
                      int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t at = now;

    if (!quota_blocks(lay, client, what, now))
        return now;
    if (q->per_min > 0)
        at = minute_eta(lay, client, q->per_min, what.weight, false, now);
    if (q->tokens_per_min > 0)
        at = max_i64(at,
                     minute_eta(lay, client, q->tokens_per_min,
                                quota_at_most(what.tokens, q->tokens_per_min),
                                true, now));
    if (q->tokens_per_day > 0)
        at = max_i64(at, day_eta(lay, client, q->tokens_per_day,
                                 quota_at_most(what.tokens, q->tokens_per_day),
                                 now));
    return at;
}

static struct quota_used tell_minute(struct layout *lay, uint32_t client,
                                     uint64_t limit, bool tokens, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    int64_t known = quota_known_from(lay, q);

    if (limit == 0 || (!quota_has_any(q) && (!q->was_free || known <= now)))
        return (struct quota_used){0, now};
    if (!quota_has_any(q)) /* as quota_set() will take it */
        return (struct quota_used){limit, known};
    return (struct quota_used){
        quota_minute_used(lay, client, limit, tokens, now),
        minute_eta(lay, client, limit, 1, tokens, now)};
}

void quota_tell(struct layout *lay, uint32_t client,
                const struct quota_word *word, int64_t now,
                struct quota_told *out)
{
    uint64_t day = word->tokens_per_day;

    out->requests = tell_minute(lay, client, word->per_min, false, now);
    out->tokens = tell_minute(lay, client, word->tokens_per_min, true, now);
    out->day = (struct quota_used){0, now};
    if (day > 0)
        out->day = (struct quota_used){
            quota_at_most(quota_taken_of_day(quota_at(lay, client), now), day),
            day_eta(lay, client, day, 1, now)};
}
