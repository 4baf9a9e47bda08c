/*
 * quota.c - may this client send one more in this minute, and on this day?
 *
 * A client with a limit has a sliding log of its own in window.c, beside that
 * of the scope: one for all upstreams together, over a minute and the largest
 * margin of any of them.  Open requests count as now.  Of clients without a
 * limit only the last send is known, so a limit that is new to a client takes
 * the minute up to that as full, and so does a lost file.
 *
 * A day is a sum for each hour (day_sums.c).  A limit on it that is new begins with
 * nothing, and so does a lost file: a client is not shut out for a day because of
 * what nobody knows.
 *
 *   row.c    --> quota_sent(), quota_watch()   what a row changes
 *   queue.c  --> quota_blocks()                its lines are stepped over
 *   position.c, ticket_events.c, view.c --> quota_room(), quota_eta()
 *
 * When one more may go is quota_eta.c's.
 *
 * The logs of clients have a part of the chunks to themselves: however many
 * limits there are, an upstream's window never lacks room.
 */
#include "state/policy/quota.h"

#include "lib/serial.h"
#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/quota_parts.h"
#include "state/policy/window.h"

/* ---- questions ------------------------------------------------------------- */

bool quota_limits(struct layout *lay, uint32_t client)
{
    return quota_has_any(LAY_AT(lay, quotas, client, LAY_CLIENTS));
}

/* Does WEIGHT, or TOKENS, of CLIENT's log not count any more?  One of them is above
 * 0.  Nearly always all that is in it counts. */
static bool is_gone(struct layout *lay, uint32_t client, uint64_t weight,
                    uint64_t tokens, int64_t now)
{
    int64_t gone = now - quota_span(lay), sent;

    if (quota_at(lay, client)->window.n == 0 ||
        window_nth(lay, quota_owner(client), 0) > gone)
        return false;
    if (weight > 0 &&
        (!window_frees(lay, quota_owner(client), weight, &sent) || sent > gone))
        return false;
    return tokens == 0 ||
           (window_frees_tokens(lay, quota_owner(client), tokens, &sent) &&
            sent <= gone);
}

bool quota_blocks(struct layout *lay, uint32_t client, struct take what,
                  int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t weight = 0, tokens = 0;

    if (!quota_has_any(q))
        return false;
    if (quota_log_is_full(lay) ||
        (quota_has_minute(q) && now < quota_known_from(lay, q)))
        return true;
    if (q->per_min > 0)
        weight = quota_over(quota_taken(q).weight, what.weight, q->per_min);
    if (q->tokens_per_min > 0)
        tokens =
            quota_over(quota_taken(q).tokens, what.tokens, q->tokens_per_min);
    if ((weight > 0 || tokens > 0) &&
        !is_gone(lay, client, weight, tokens, now))
        return true;
    return q->tokens_per_day > 0 &&
           quota_over(quota_taken_of_day(q, now), what.tokens,
                      q->tokens_per_day) > 0;
}

uint32_t quota_per_min(struct layout *lay, uint32_t client)
{
    return quota_at(lay, client)->per_min;
}

uint32_t quota_used(struct layout *lay, uint32_t client, int64_t now)
{
    uint32_t limit = quota_at(lay, client)->per_min;

    return limit == 0
               ? 0
               : (uint32_t)quota_minute_used(lay, client, limit, false, now);
}

uint64_t quota_tokens_used(struct layout *lay, uint32_t client, int64_t now)
{
    uint32_t limit = quota_at(lay, client)->tokens_per_min;

    return limit == 0 ? 0 : quota_minute_used(lay, client, limit, true, now);
}

uint64_t quota_day_used(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    return quota_at_most(quota_taken_of_day(q, now), q->tokens_per_day);
}

struct quota_sum quota_room(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    struct quota_sum room = {UINT64_MAX, UINT64_MAX};

    if (!quota_has_any(q))
        return room;
    if (quota_blocks(lay, client, TAKE_ONE, now))
        return (struct quota_sum){0, 0};
    if (q->per_min > 0)
        room.weight = q->per_min - quota_used(lay, client, now);
    if (q->tokens_per_min > 0)
        room.tokens = q->tokens_per_min - quota_tokens_used(lay, client, now);
    if (q->tokens_per_day > 0)
        room.tokens = quota_at_most(
            room.tokens, q->tokens_per_day - quota_day_used(lay, client, now));
    return room;
}

/* ---- changes ----------------------------------------------------------------- */

static void expire(struct layout *lay, uint32_t client, int64_t now)
{
    window_expire(lay, quota_owner(client), now - quota_span(lay));
}

static bool is_older(const struct quota_word *word, const struct lay_quota *q)
{
    return word->generation < q->generation ||
           (word->generation == q->generation && word->said_ns < q->said_ns);
}

void quota_set(struct layout *lay, uint32_t client,
               const struct quota_word *word)
{
    struct lay_quota *q = quota_at(lay, client);

    if (is_older(word, q))
        return;
    q->generation = word->generation;
    q->said_ns = word->said_ns;
    if (q->per_min == word->per_min &&
        q->tokens_per_min == word->tokens_per_min &&
        q->tokens_per_day == word->tokens_per_day)
        return;
    __atomic_store_n(&q->per_min, word->per_min, __ATOMIC_RELEASE);
    __atomic_store_n(&q->tokens_per_min, word->tokens_per_min,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&q->tokens_per_day, word->tokens_per_day,
                     __ATOMIC_RELEASE);
}

void quota_margin(struct layout *lay, int64_t margin_ns, int64_t now)
{
    int64_t *span = &lay->live.quota_span_ns;
    int64_t new = QUOTA_MINUTE_NS + margin_ns;

    if (quota_is_span(*span) && new > *span) {
        lay->live.quota_lost_ns = max_i64(lay->live.quota_lost_ns, now - *span);
        lay->live.limited++; /* until somebody counts */
    }
    if (new != *span)
        __atomic_store_n(span, new, __ATOMIC_RELEASE);
}

bool quota_sent(struct layout *lay, uint32_t client, int64_t at,
                struct take what, uint64_t grant, struct lay_place *place)
{
    struct lay_quota *q = quota_at(lay, client);
    uint32_t owner = quota_owner(client);

    if (!quota_has_any(q)) {
        q->was_free = 1;
        q->lost_ns = max_i64(q->lost_ns, at); /* in no log: only the last */
        return true;
    }
    /* As when its writer died before the scope's log had it. */
    if (window_has_last(lay, owner, grant)) {
        *place = window_newest(lay, owner);
        return true;
    }
    if (!window_has_room(lay, owner))
        return false;
    if (q->tokens_per_day > 0) /* first: rather twice than never */
        day_sums_add(q->hours, at, what.tokens);
    *place = window_push(lay, owner, at, what, grant);
    return true;
}

/* Its log may have forgotten it when the day still knows it. */
void quota_settle(struct layout *lay, uint32_t client,
                  const struct lay_place *place, uint32_t was, uint32_t tokens)
{
    struct lay_quota *q = quota_at(lay, client);

    if (place->t_ns <= 0)
        return;
    (void)window_settle(lay, quota_owner(client), place, was, tokens);
    if (q->tokens_per_day > 0)
        day_sums_settle(q->hours, place->t_ns, was, tokens);
}

bool quota_is_needed(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (!quota_has_any(q) && q->window.n == 0)
        return false;
    expire(lay, client, now);
    return q->window.n > 0 ||
           (q->tokens_per_day > 0 && day_sums_used(q->hours, now) > 0) ||
           (q->lost_ns > 0 && q->lost_ns + quota_span(lay) > now);
}

void quota_forget(struct layout *lay, uint32_t client)
{
    struct lay_quota *q = quota_at(lay, client);

    __atomic_store_n(&q->per_min, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&q->tokens_per_min, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&q->tokens_per_day, 0, __ATOMIC_RELEASE);
    memset(q->hours, 0, sizeof(q->hours));
    q->was_free = 0;
    q->lost_ns = 0;
    q->generation = 0;
    q->said_ns = 0;
}

/* ---- who is at its limit -------------------------------------------------------- */

/* More in line than may go, by what the log holds, old or not. */
static bool is_tight(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (!quota_has_any(q) || q->lined_weight == 0)
        return false;
    return (q->per_min > 0 &&
            quota_taken(q).weight + q->lined_weight > q->per_min) ||
           (q->tokens_per_min > 0 &&
            quota_taken(q).tokens + q->lined_tokens > q->tokens_per_min) ||
           (q->tokens_per_day > 0 &&
            quota_taken_of_day(q, now) + q->lined_tokens > q->tokens_per_day) ||
           (quota_has_minute(q) && now < quota_known_from(lay, q)) ||
           quota_log_is_full(lay);
}

void quota_watch(struct layout *lay, uint32_t client, int64_t now)
{
    expire(lay, client, now);
    lay->live.limited += is_tight(lay, client, now);
}

uint32_t quota_count(struct layout *lay)
{
    uint32_t i, n = 0;

    for (i = 0; i < LAY_CLIENTS; i++)
        if (quota_has_any(&lay->quotas[i]))
            n += is_tight(lay, i, lay->live.now_ns);
    return n;
}

uint32_t quota_recount(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_CLIENTS; i++)
        if (quota_has_any(&lay->quotas[i]))
            expire(lay, i, now);
    return quota_count(lay);
}

void quota_rebuild(struct layout *lay, int64_t latest)
{
    uint32_t i;

    if (lay->live.quota_lost_ns < 0 || lay->live.quota_lost_ns > latest ||
        (lay->live.quota_span_ns != 0 &&
         !quota_is_span(lay->live.quota_span_ns)))
        sigbus_damaged("the clients' limits");
    for (i = 0; i < LAY_CLIENTS; i++) {
        struct lay_quota *q = &lay->quotas[i];

        if (q->per_min > QUOTA_MAX || q->tokens_per_min > LAY_TOKENS_MAX ||
            q->tokens_per_day > LAY_DAY_TOKENS_MAX ||
            !day_sums_are_sane(q->hours, latest) || q->lost_ns < 0 ||
            q->lost_ns > latest || q->said_ns < 0 || q->said_ns > latest ||
            q->was_free > 1 || !serial_is_sane(q->generation))
            sigbus_damaged("a client's limit");
        lay->clients[i].open = 0;
        q->open_weight = q->lined_weight = 0;
        q->open_tokens = q->lined_tokens = 0;
    }
}
