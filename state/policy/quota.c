/*
 * quota.c - may this client send one more in this minute, and on this day?
 *
 * A client with a limit has a sliding log of its own in window.c, beside that
 * of the scope: one for all upstreams together, over a minute and the largest
 * margin of any of them.  Open requests count as now.  Sends of clients
 * without a limit are not logged, so a limit that is new to a client who was
 * here before takes its last minute as full, and so does a lost file.
 *
 * A day is a sum for each hour (day_sums.c).  A limit on it that is new begins with
 * nothing, and so does a lost file: a client is not shut out for a day because of
 * what nobody knows.
 *
 *   row.c    --> quota_sent(), quota_watch()   what a row changes
 *   queue.c  --> quota_blocks()                its lines are stepped over
 *   position.c, ticket_events.c, view.c --> quota_room(), quota_eta()
 *   standing.c --> quota_tell()
 *
 * The logs of clients have a part of the chunks to themselves: however many
 * limits there are, an upstream's window never lacks room.
 */
#include "state/policy/quota.h"

#include "lib/serial.h"
#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/window.h"

#define DAY_NS (86400 * NS_PER_S) /* no margin is longer either */

static bool is_span(int64_t span_ns)
{
    return span_ns >= QUOTA_MINUTE_NS && span_ns <= QUOTA_MINUTE_NS + DAY_NS;
}

static int64_t span_of(struct layout *lay)
{
    if (!is_span(lay->live.quota_span_ns))
        sigbus_damaged("span of the clients' limits");
    return lay->live.quota_span_ns;
}

static struct lay_quota *quota_at(struct layout *lay, uint32_t client)
{
    struct lay_quota *q = LAY_AT(lay, quotas, client, LAY_CLIENTS);

    if (q->per_min > QUOTA_MAX || q->tokens_per_min > LAY_TOKENS_MAX ||
        q->tokens_per_day > LAY_DAY_TOKENS_MAX ||
        lay->clients[client].open > LAY_ROWS ||
        q->open_weight > (uint64_t)LAY_ROWS * LAY_WEIGHT_MAX ||
        q->open_tokens > (uint64_t)LAY_ROWS * LAY_TOKENS_MAX)
        sigbus_damaged("a client's limit");
    return q;
}

static uint32_t owner_of(uint32_t client)
{
    return LAY_SCOPES + client;
}

/* Until then the window counts as full. */
static int64_t known_from(struct layout *lay, const struct lay_quota *q)
{
    int64_t lost = max_i64(q->lost_ns, lay->live.quota_lost_ns);

    if (lost > lay->live.now_ns + 2 * NS_PER_S)
        sigbus_damaged("a loss in the future");
    return lost + span_of(lay);
}

static bool has_minute(const struct lay_quota *q)
{
    return q->per_min > 0 || q->tokens_per_min > 0;
}

static bool has_any(const struct lay_quota *q)
{
    return has_minute(q) || q->tokens_per_day > 0;
}

/* All that is in the log, or open: more than counts, until it is expired. */
static struct quota_sum taken(const struct lay_quota *q)
{
    return (struct quota_sum){q->window.weight + q->open_weight,
                              q->window.tokens + q->open_tokens};
}

static uint64_t taken_of_day(const struct lay_quota *q, int64_t now)
{
    return day_sums_used(q->hours, now) + q->open_tokens;
}

/* Each open request may need a chunk when it is written. */
static bool log_is_full(const struct layout *lay)
{
    if (lay->live.open < window_chunks_left(lay, true))
        return false;
    if (lay->live.open > lay->live.rows_high) /* or it would be for ever */
        sigbus_damaged("open requests");
    return true;
}

/* ---- questions ------------------------------------------------------------- */

/*
 * A limit is asked how much is over it if WANT are to go: so much must have
 * expired.  One that takes more than a whole limit goes alone: it was let in by an
 * estimate that may be too high.
 */
static uint64_t over(uint64_t taken, uint64_t want, uint64_t limit)
{
    if (want > limit)
        want = limit;
    return taken + want > limit ? taken + want - limit : 0;
}

bool quota_limits(struct layout *lay, uint32_t client)
{
    return has_any(quota_at(lay, client));
}

/* Does WEIGHT, or TOKENS, of CLIENT's log not count any more? */
static bool is_gone(struct layout *lay, uint32_t client, uint64_t weight,
                    uint64_t tokens, int64_t now)
{
    int64_t gone = now - span_of(lay), sent;

    if (weight > 0 &&
        (!window_frees(lay, owner_of(client), weight, &sent) || sent > gone))
        return false;
    return tokens == 0 ||
           (window_frees_tokens(lay, owner_of(client), tokens, &sent) &&
            sent <= gone);
}

bool quota_blocks(struct layout *lay, uint32_t client, struct take what,
                  int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t weight = 0, tokens = 0;

    if (!has_any(q))
        return false;
    if (log_is_full(lay) || (has_minute(q) && now < known_from(lay, q)))
        return true;
    if (q->per_min > 0)
        weight = over(taken(q).weight, what.weight, q->per_min);
    if (q->tokens_per_min > 0)
        tokens = over(taken(q).tokens, what.tokens, q->tokens_per_min);
    if ((weight > 0 || tokens > 0) &&
        !is_gone(lay, client, weight, tokens, now))
        return true;
    return q->tokens_per_day > 0 &&
           over(taken_of_day(q, now), what.tokens, q->tokens_per_day) > 0;
}

static uint64_t at_most(uint64_t n, uint64_t max)
{
    return n < max ? n : max;
}

/* Of the minute's LIMIT on requests, or on tokens. */
static uint64_t minute_used(struct layout *lay, uint32_t client, uint64_t limit,
                            bool tokens, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t horizon = now - span_of(lay);

    if (now < known_from(lay, q))
        return limit;
    return at_most(tokens
                       ? window_tokens_after(lay, owner_of(client), horizon) +
                             q->open_tokens
                       : window_weight_after(lay, owner_of(client), horizon) +
                             q->open_weight,
                   limit);
}

uint32_t quota_used(struct layout *lay, uint32_t client, int64_t now)
{
    uint32_t limit = quota_at(lay, client)->per_min;

    return limit == 0 ? 0
                      : (uint32_t)minute_used(lay, client, limit, false, now);
}

uint64_t quota_tokens_used(struct layout *lay, uint32_t client, int64_t now)
{
    uint32_t limit = quota_at(lay, client)->tokens_per_min;

    return limit == 0 ? 0 : minute_used(lay, client, limit, true, now);
}

uint64_t quota_day_used(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    return at_most(taken_of_day(q, now), q->tokens_per_day);
}

struct quota_sum quota_room(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    struct quota_sum room = {UINT64_MAX, UINT64_MAX};

    if (!has_any(q))
        return room;
    if (quota_blocks(lay, client, TAKE_ONE, now))
        return (struct quota_sum){0, 0};
    if (q->per_min > 0)
        room.weight = q->per_min - quota_used(lay, client, now);
    if (q->tokens_per_min > 0)
        room.tokens = q->tokens_per_min - quota_tokens_used(lay, client, now);
    if (q->tokens_per_day > 0)
        room.tokens = at_most(
            room.tokens, q->tokens_per_day - quota_day_used(lay, client, now));
    return room;
}

/* As the window of a scope: what is free, then what is in the log, as it
 * expires, then what is open; and all of them again a span later. */
static int64_t minute_eta(struct layout *lay, uint32_t client, uint64_t limit,
                          uint64_t up_to, bool tokens, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t k = up_to > 0 ? up_to - 1 : 0;
    uint64_t out =
        over(tokens ? taken(q).tokens : taken(q).weight, k % limit + 1, limit);
    int64_t span = span_of(lay), at = max_i64(now, known_from(lay, q)), sent;
    bool found;

    if (log_is_full(lay))
        at = max_i64(at, now + NS_PER_S);
    if (out > 0) {
        found = tokens ? window_frees_tokens(lay, owner_of(client), out, &sent)
                       : window_frees(lay, owner_of(client), out, &sent);
        at = max_i64(at, (found ? sent : now) + span);
    }
    return at + (int64_t)at_most(k / limit, LAY_ROWS) * span;
}

static int64_t day_eta(struct layout *lay, uint32_t client, uint64_t limit,
                       uint64_t up_to, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t k = up_to > 0 ? up_to - 1 : 0;
    uint64_t out = over(taken_of_day(q, now), k % limit + 1, limit);
    int64_t at = log_is_full(lay) ? now + NS_PER_S : now, frees;

    if (out > 0) {
        frees = day_sums_free_at(q->hours, out, now);
        at = max_i64(at, frees == NEVER ? now + DAY_NS : frees);
    }
    return at + (int64_t)at_most(k / limit, LAY_ROWS) * DAY_NS;
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

static struct quota_used tell_minute(struct layout *lay, uint32_t client,
                                     uint64_t limit, bool tokens, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (limit == 0 || (!has_any(q) && !q->was_free))
        return (struct quota_used){0, now};
    if (!has_any(q)) /* as quota_set() will take it */
        return (struct quota_used){limit, now + span_of(lay)};
    return (struct quota_used){minute_used(lay, client, limit, tokens, now),
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
            at_most(taken_of_day(quota_at(lay, client), now), day),
            day_eta(lay, client, day, 1, now)};
}

/* ---- changes ----------------------------------------------------------------- */

static void expire(struct layout *lay, uint32_t client, int64_t now)
{
    window_expire(lay, owner_of(client), now - span_of(lay));
}

static bool is_older(const struct quota_word *word, const struct lay_quota *q)
{
    return word->generation < q->generation ||
           (word->generation == q->generation && word->said_ns < q->said_ns);
}

void quota_set(struct layout *lay, uint32_t client,
               const struct quota_word *word, int64_t now)
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
    if (!has_any(q) && q->was_free)
        q->lost_ns = now; /* nobody wrote down what it sent */
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

    if (is_span(*span) && new > *span) {
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
    uint32_t owner = owner_of(client);

    if (!has_any(q)) {
        q->was_free = 1;
        return true;
    }
    /* As when its writer died before the scope's log had it. */
    if (!window_has_last(lay, owner, grant)) {
        if (!window_has_room(lay, owner))
            return false;
        if (q->tokens_per_day > 0) /* first: rather twice than never */
            day_sums_add(q->hours, at, what.tokens);
        window_push(lay, owner, at, what, grant);
    }
    window_newest(lay, owner, place);
    return true;
}

/* Its log may have forgotten it when the day still knows it. */
void quota_settle(struct layout *lay, uint32_t client,
                  const struct lay_place *place, uint32_t was, uint32_t tokens)
{
    struct lay_quota *q = quota_at(lay, client);

    if (place->t_ns <= 0)
        return;
    (void)window_settle(lay, owner_of(client), place, was, tokens);
    if (q->tokens_per_day > 0)
        day_sums_settle(q->hours, place->t_ns, was, tokens);
}

bool quota_is_needed(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (!has_any(q) && q->window.n == 0)
        return false;
    expire(lay, client, now);
    return q->window.n > 0 ||
           (q->tokens_per_day > 0 && day_sums_used(q->hours, now) > 0) ||
           (q->lost_ns > 0 && q->lost_ns + span_of(lay) > now);
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

    if (!has_any(q) || q->lined_weight == 0)
        return false;
    return (q->per_min > 0 && taken(q).weight + q->lined_weight > q->per_min) ||
           (q->tokens_per_min > 0 &&
            taken(q).tokens + q->lined_tokens > q->tokens_per_min) ||
           (q->tokens_per_day > 0 &&
            taken_of_day(q, now) + q->lined_tokens > q->tokens_per_day) ||
           (has_minute(q) && now < known_from(lay, q)) || log_is_full(lay);
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
        if (has_any(&lay->quotas[i]))
            n += is_tight(lay, i, lay->live.now_ns);
    return n;
}

uint32_t quota_recount(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_CLIENTS; i++)
        if (has_any(&lay->quotas[i]))
            expire(lay, i, now);
    return quota_count(lay);
}

void quota_rebuild(struct layout *lay, int64_t latest)
{
    uint32_t i;

    if (lay->live.quota_lost_ns < 0 || lay->live.quota_lost_ns > latest ||
        (lay->live.quota_span_ns != 0 && !is_span(lay->live.quota_span_ns)))
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
