/*
 * lead.c - which worker speaks for this host to a store that several share?
 *
 * Its seat is written in the file, with a number that rises with each change and
 * each new connection: what is of an older one does not count any more, however
 * late it comes.  A dead leader's byte lock would tell at once, a stopped one's
 * would not: so it is the sign that counts, which is given with each call.
 */
#include "state/lead.h"

#include <sys/random.h>

#include "state/giving.h"
#include "state/mirror.h"
#include "state/policy/layout.h"
#include "state/policy/slot_source.h"
#include "state/worker.h"

#define WATCH_NS                                                               \
    (50 * NS_PER_MS) /* looks of those that wait at a silent leader */

/* It was poked and did not move; or it has not moved for long. */
bool lead_is_silent(const struct lay_store *s, int64_t now)
{
    return s->beat_ns <= now - LEADER_GONE_NS || s->beat_ns > now + NS_PER_S ||
           (s->news_ns != 0 && s->news_ns <= now - LEADER_SILENT_NS &&
            s->beat_ns <= s->news_ns);
}

/* Needs the lock.  A new leader has heard no answer: it tells the store of all that
 * is lent, and hears what is not known any more. */
bool lead_take(struct limiter *lim)
{
    struct lay_store *s = &lim->file.lay->store;

    if (s->state == STORE_UNUSED || lim->seat == NONE)
        return false;
    if (s->leader != lim->seat || s->epoch != lim->store_epoch) {
        if (!lead_is_silent(s, lim->now) && s->leader != lim->seat)
            return false;
        s->leader = lim->seat;
        lim->store_epoch = ++s->epoch;
        s->sync = 1;
    }
    s->beat_ns = lim->now;
    return true;
}

/* ---- what there is to say ------------------------------------------------------- */

/* A line that changed is news only where somebody waits, or the store still
 * believes so: a busy host without a queue makes no calls for nothing. */
bool lead_has_news(const struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;
    const struct lay_store *s = &lay->store;

    return s->sync || s->stirred ||
           (s->lines != s->lines_told &&
            (lay->live.waiting > 0 || s->told_waiting > 0));
}

/* Whoever has the lock tells the leader; and who waits looks whether there is
 * one. */
void lead_look(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    struct lay_store *s = &lay->store;

    if (s->state == STORE_UNUSED)
        return;
    if (!s->stirred && mirror_has_news(lay))
        s->stirred = 1;
    if (!lead_has_news(lim) && s->unsettled == 0)
        s->news_ns = 0;
    else if (s->news_ns == 0)
        s->news_ns = lim->now;
    if (s->news_ns != 0 && s->leader < LAY_WORKERS && s->leader != lim->seat &&
        worker_at(lay, s->leader)->used)
        giving_poke(lim, s->leader);
    if (s->news_ns != 0 && s->leader != lim->seat)
        giving_alarm(
            lim, max_i64(s->news_ns + LEADER_SILENT_NS, lim->now + WATCH_NS));
}

void lead_set_state(struct limiter *lim, enum store_state state)
{
    struct lay_store *s = &lim->file.lay->store;

    if (s->state == state)
        return;
    __atomic_store_n(&s->state, (uint32_t)state, __ATOMIC_RELEASE);
    s->since_ns = lim->now;
    giving_poke_all(lim);
}

/* ---- the settings ----------------------------------------------------------------------- */

/* A number that no other file ever had: what the store knows of an earlier file of
 * this host ends by itself, as if it had been used. */
static void begin(struct limiter *lim)
{
    struct lay_store *s = &lim->file.lay->store;

    if (getrandom(&s->host, sizeof(s->host), GRND_NONBLOCK) !=
        (ssize_t)sizeof(s->host))
        s->host = (uint64_t)lim->now * UINT64_C(0x9E3779B97F4A7C15) ^
                  lim->file.lay->head.secret;
    s->leader = NONE;
    s->sync = 1;
    lead_set_state(lim, STORE_LOST);
}

void lead_rule(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    const struct limiter_store *set = &lim->set.store;
    struct lay_store *s = &lay->store;
    uint32_t i, kind = set->used ? SLOTS_SHARED : SLOTS_LOCAL;

    s->share_on_loss = set->share_on_loss;
    s->ahead = set->ahead;
    if (set->used && s->state == STORE_UNUSED)
        begin(lim);
    if (!set->used)
        lead_set_state(lim, STORE_UNUSED);
    for (i = 0; i < LAY_SCOPES; i++)
        if (lay->scopes[i].source != kind)
            lay->scopes[i].source = kind;
}
