/*
 * leader.c - who speaks for this host to a store that several share, and when?
 *
 *   who      lead.c; a new one begins with all that is lent (sync)
 *   when     somebody came into a line or left it; a lease ended; something that
 *            all share changed; a slot opens; else each second
 *   what     host_says.c; what comes of it: host_hears.c
 *   lost     all wait, or each host goes on with its part
 *
 * An answer to a question of an earlier leader is dropped: it may have been
 * stopped for long.
 */
#include "state/leader.h"

#include "state/host_hears.h"
#include "state/host_says.h"
#include "state/lead.h"
#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/turn.h"
#include "state/worker.h"

/* Who has not called for so long is no host of the store's any more: the script's
 * number (fcgi/store/turn.lua). */
#define TOGETHER_NS (2 * NS_PER_S)

/* ---- who leads ---------------------------------------------------------------- */

bool limiter_may_lead(const struct limiter *lim, int64_t now)
{
    const struct layout *lay = lim->file.lay;

    return lay != NULL && lim->seat != NONE &&
           lay->store.state != STORE_UNUSED &&
           (lay->store.leader == lim->seat || lead_is_silent(&lay->store, now));
}

struct leading {
    bool leads;
};

static void lead_locked(struct limiter *lim, void *arg)
{
    ((struct leading *)arg)->leads = lead_take(lim);
}

bool limiter_lead(struct limiter *lim, int64_t now)
{
    struct leading l = {false};

    return turn_at_once(lim, now, lead_locked, &l) && l.leads;
}

/* ---- when -------------------------------------------------------------------- */

int64_t limiter_store_due(struct limiter *lim, int64_t now)
{
    const struct layout *lay = lim->file.lay;

    if (!limiter_may_lead(lim, now))
        return NEVER;
    if (lay->store.leader != lim->seat || lead_has_news(lim))
        return now;
    return lay->store.call_ns;
}

/* ---- a call ------------------------------------------------------------------ */

struct asking {
    struct shared_ask *ask;
    bool at_once, is_due;
};

static void ask_locked(struct limiter *lim, void *arg)
{
    struct asking *a = arg;
    struct layout *lay = lim->file.lay;

    if (!lead_take(lim))
        return;
    a->is_due =
        a->at_once || lead_has_news(lim) || lay->store.call_ns <= lim->now;
    if (!a->is_due)
        return;
    host_says_all(lim, a->ask);
    lay->store.call_ns = lim->now + NS_PER_S; /* in case nothing comes back */
}

bool limiter_store_ask(struct limiter *lim, struct shared_ask *ask,
                       bool at_once, int64_t now)
{
    struct asking a = {ask, at_once, false};

    return turn_at_once(lim, now, ask_locked, &a) && a.is_due;
}

struct answering {
    const struct shared_ask *ask;
    const struct shared_answer *answer;
    bool news;
};

static void answer_locked(struct limiter *lim, void *arg)
{
    struct answering *w = arg;
    const struct lay_store *s = &lim->file.lay->store;

    if (s->state == STORE_UNUSED || s->epoch != w->ask->epoch ||
        s->leader != lim->seat)
        return; /* another one leads: it asks anew */
    w->news = host_hears(lim, w->ask, w->answer);
    lead_set_state(lim, STORE_UP);
}

bool limiter_store_answer(struct limiter *lim, const struct shared_ask *ask,
                          const struct shared_answer *answer, int64_t now)
{
    struct answering w = {ask, answer, false};

    if (!turn_at_once(lim, now, answer_locked, &w))
        limiter_store_failed(lim, now); /* what it lent ends by itself */
    return w.news;
}

uint64_t limiter_store_host(const struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;

    return lay != NULL && lay->store.state != STORE_UNUSED ? lay->store.host
                                                           : 0;
}

/* ---- no answer ----------------------------------------------------------------------- */

/* A call may still be on its way, and be heard after those that follow: so these
 * are of another epoch, and it will be none of ours. */
static void failed_locked(struct limiter *lim, void *arg)
{
    struct lay_store *s = &lim->file.lay->store;

    (void)arg;
    if (s->leader != lim->seat)
        return;
    s->sync = 1;
    lim->store_epoch = ++s->epoch;
}

void limiter_store_failed(struct limiter *lim, int64_t now)
{
    if (!turn_at_once(lim, now, failed_locked, NULL))
        lim->store_epoch = 0; /* as one that begins */
}

/* Each host goes on with its part, once all leases that others may have are over,
 * and behind a full window: what they sent by the store is not known here. */
static void go_alone(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        lay->live.lost_ns[i] = max_i64(lay->live.lost_ns[i], lim->now);
    for (i = lay->store.leases_high; i-- > 0;)
        if (lease_at(lay, i)->state == LEASE_HELD)
            leases_forget(lay, i);
    lay->store.was_alone = 1;
    lead_set_state(lim, STORE_ALONE);
}

/* A part is for those that lost it together: who noticed when the others may
 * already have gone on without it, or never heard how many they are, has none. */
static bool has_part(const struct lay_store *s, int64_t now)
{
    return s->share_on_loss && s->hosts > 0 && s->answer_ns > now - TOGETHER_NS;
}

static void lost_locked(struct limiter *lim, void *arg)
{
    struct lay_store *s = &lim->file.lay->store;

    (void)arg;
    if (!lead_take(lim) || s->state == STORE_ALONE)
        return;
    if (s->state == STORE_UP) {
        s->part = has_part(s, lim->now);
        lead_set_state(lim, STORE_LOST);
    }
    if (s->part && s->share_on_loss && lim->now - s->since_ns >= STORE_LEASE_NS)
        go_alone(lim);
}

void limiter_store_lost(struct limiter *lim, int64_t now)
{
    if (!turn_at_once(lim, now, lost_locked, NULL))
        return; /* busy: it is said again */
}

bool limiter_store_is_lost(const struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;

    return lay != NULL && lay->store.state == STORE_LOST;
}

struct shared_settings limiter_store_settings(const struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;

    return lay == NULL ? (struct shared_settings){0, 0}
                       : (struct shared_settings){lay->settings.version,
                                                  lay->settings.hash};
}

static void settle_locked(struct limiter *lim, void *arg)
{
    const struct shared_settings *are = arg;

    lim->file.lay->settings = (struct lay_mirror){are->version, are->hash};
}

bool limiter_store_settle(struct limiter *lim,
                          const struct shared_settings *are, int64_t now)
{
    struct shared_settings copy = *are;

    return turn_at_once(lim, now, settle_locked, &copy);
}

/* The next worker need not wait until we are silent for long. */
static void leave_locked(struct limiter *lim, void *arg)
{
    struct lay_store *s = &lim->file.lay->store;

    (void)arg;
    if (s->leader == lim->seat)
        s->beat_ns = 0;
    lim->store_epoch = 0;
}

void limiter_store_leave(struct limiter *lim, int64_t now)
{
    if (!turn_at_once(lim, now, leave_locked, NULL))
        lim->store_epoch = 0; /* silence tells the others */
}
