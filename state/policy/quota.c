/*
 * quota.c - may this client send one more in this minute?
 *
 * A client with a limit has a sliding log of its own in window.c, beside that
 * of the scope: one for all upstreams together, over a minute and the largest
 * margin of any of them.  Open requests count as now.  Sends of clients
 * without a limit are not logged, so a limit that is new to a client who was
 * here before takes its last minute as full, and so does a lost file.
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

#define DAY_NS (86400 * NS_PER_S) /* no margin is longer */

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

    if (q->per_min > QUOTA_MAX || lay->clients[client].open > LAY_ROWS ||
        q->open_weight > (uint64_t)LAY_ROWS * LAY_WEIGHT_MAX)
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

/* All that is in the log, or open: more than counts, until it is expired. */
static uint64_t taken(const struct lay_quota *q)
{
    return q->window.weight + q->open_weight;
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

bool quota_limits(struct layout *lay, uint32_t client)
{
    return quota_at(lay, client)->per_min > 0;
}

bool quota_blocks(struct layout *lay, uint32_t client, uint32_t weight,
                  int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t sent;

    if (q->per_min == 0)
        return false;
    if (now < known_from(lay, q) || log_is_full(lay))
        return true;
    if (taken(q) + weight <= q->per_min)
        return false;
    /* So much must have expired. */
    return !window_frees(lay, owner_of(client), taken(q) + weight - q->per_min,
                         &sent) ||
           sent > now - span_of(lay);
}

uint32_t quota_used(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint64_t used;

    if (q->per_min == 0)
        return 0;
    used = window_weight_after(lay, owner_of(client), now - span_of(lay)) +
           q->open_weight;
    if (now < known_from(lay, q) || used > q->per_min)
        return q->per_min;
    return (uint32_t)used;
}

uint32_t quota_room(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (q->per_min == 0)
        return UINT32_MAX;
    if (quota_blocks(lay, client, 1, now))
        return 0;
    return q->per_min - quota_used(lay, client, now);
}

/* As the window of a scope: what is free, then what is in the log, as it
 * expires, then what is open; and all of them again a span later. */
static int64_t eta(struct layout *lay, uint32_t client, uint32_t per_min,
                   uint32_t k, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);
    int64_t span = span_of(lay), at, sent;
    uint64_t want;

    at = max_i64(now, known_from(lay, q));
    if (log_is_full(lay))
        at = max_i64(at, now + NS_PER_S);
    want = taken(q) + k % per_min + 1;
    if (want > per_min)
        at = max_i64(at,
                     (window_frees(lay, owner_of(client), want - per_min, &sent)
                          ? sent
                          : now) +
                         span);
    return at + k / per_min * span;
}

int64_t quota_eta(struct layout *lay, uint32_t client, uint32_t k, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    return q->per_min == 0 ? now : eta(lay, client, q->per_min, k, now);
}

uint32_t quota_tell(struct layout *lay, uint32_t client, uint32_t per_min,
                    int64_t now, int64_t *at)
{
    const struct lay_quota *q = quota_at(lay, client);
    uint32_t used;

    *at = now;
    if (per_min == 0 || (q->per_min == 0 && !q->was_free))
        return 0;
    if (q->per_min == 0) { /* as quota_set() will take it */
        *at = now + span_of(lay);
        return per_min;
    }
    *at = eta(lay, client, per_min, 0, now);
    used = quota_used(lay, client, now);
    return used < per_min ? used : per_min;
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
    if (q->per_min == word->per_min)
        return;
    if (q->per_min == 0 && q->was_free)
        q->lost_ns = now; /* nobody wrote down what it sent */
    __atomic_store_n(&q->per_min, word->per_min, __ATOMIC_RELEASE);
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
                uint32_t weight, uint64_t grant)
{
    struct lay_quota *q = quota_at(lay, client);
    uint32_t owner = owner_of(client);

    q->was_free |= q->per_min == 0;
    /* The second is so when its writer died before the scope's log had it. */
    if (q->per_min == 0 || window_has_last(lay, owner, grant))
        return true;
    if (!window_has_room(lay, owner))
        return false;
    window_push(lay, owner, at, weight, grant);
    return true;
}

bool quota_is_needed(struct layout *lay, uint32_t client, int64_t now)
{
    const struct lay_quota *q = quota_at(lay, client);

    if (q->per_min == 0 && q->window.n == 0)
        return false;
    expire(lay, client, now);
    return q->window.n > 0 ||
           (q->lost_ns > 0 && q->lost_ns + span_of(lay) > now);
}

void quota_forget(struct layout *lay, uint32_t client)
{
    struct lay_quota *q = quota_at(lay, client);

    __atomic_store_n(&q->per_min, 0, __ATOMIC_RELEASE);
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

    if (q->per_min == 0 || q->lined_weight == 0)
        return false;
    return taken(q) + q->lined_weight > q->per_min ||
           now < known_from(lay, q) || log_is_full(lay);
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
        if (lay->quotas[i].per_min > 0)
            n += is_tight(lay, i, lay->live.now_ns);
    return n;
}

uint32_t quota_recount(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_CLIENTS; i++)
        if (lay->quotas[i].per_min > 0)
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

        if (q->per_min > QUOTA_MAX || q->lost_ns < 0 || q->lost_ns > latest ||
            q->said_ns < 0 || q->said_ns > latest || q->was_free > 1 ||
            !serial_is_sane(q->generation))
            sigbus_damaged("a client's limit");
        lay->clients[i].open = 0;
        q->open_weight = q->lined_weight = 0;
    }
}
