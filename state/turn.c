/*
 * turn.c - how is all that was asked done under one lock?
 *
 *   limiter_turn()
 *     attach     attach.c  the right file, sound and current
 *     lock       file/transaction.c, never waited for
 *     begin()    is the file still ours, and sound?  What the dead left is
 *                repaired
 *     locked()   workers.c  who lives
 *                operator.c  what operators want
 *                upstream_map.c  which rows are our upstreams'
 *                rescope.c which scope does each request wait in
 *                ticket_ops.c  wishes become transitions (row.c)
 *                verdicts.c  answers become holds (retreat.c, ...)
 *                slots.c   who gets the open slots (admit.c, queue.c)
 *                ticket_events.c    who waits, and for how long (position.c)
 *     counted()  count.c  what was done goes into the statistics
 *     unlock
 *     tell       wake.c    other workers; then our tickets (ticket_events.c)
 *
 * Time comes in as an argument and is raised to the clock's own reading once
 * the lock is held: a worker may be stopped between the two, and a send must
 * never be booked into the past.
 */
#include "state/turn.h"
#include "state/giving.h"

#include <string.h>

#include "lib/boottime.h"
#include "lib/serial.h"
#include "lib/sigbus.h"
#include "state/attach.h"
#include "state/change_log.h"
#include "state/completions.h"
#include "state/count.h"
#include "state/file/repair.h"
#include "state/file/transaction.h"
#include "state/history_save.h"
#include "state/journal.h"
#include "state/lead.h"
#include "state/limiter.h"
#include "state/operator_orders.h"
#include "state/policy/rescope.h"
#include "state/refusals.h"
#include "state/say.h"
#include "state/slots.h"
#include "state/ticket_choices.h"
#include "state/ticket_events.h"
#include "state/ticket_ops.h"
#include "state/upstream_map.h"
#include "state/verdicts.h"
#include "state/worker.h"

#define BUSY_NS     NS_PER_MS        /* next try at a lock somebody holds, */
#define BUSY_MAX_NS (50 * NS_PER_MS) /* rising to this while it lasts */
#define FULL_NS     (50 * NS_PER_MS) /* next try where no seat is free */
#define STUCK_NS    (10 * NS_PER_MS) /* next try at a log that is full */
#define GAP_NS      (NS_PER_MS / 5)  /* for others, between long turns */
#define PATIENCE_NS (2 * NS_PER_S)   /* then new requests are refused */

/* ---- the locked section ------------------------------------------------ */

/* Needs the lock.  False: too much time has passed since the path was looked
 * at, so nothing may be done. */
static bool begin(void *arg)
{
    struct limiter *lim = arg;
    struct layout *lay = lim->file.lay;

    if (memcmp(&lay->head, &lim->file.head, sizeof(lay->head)) != 0 ||
        lay->live.retired || lay->live.dirty > 1)
        sigbus_damaged("its head is not ours any more");
    lim->now = max_i64(lim->now, boottime_ns());
    lim->late = lim->now - lim->checked_ns >= TICK_NS;
    if (lim->late)
        return false;
    if (lay->live.now_ns > lim->now + NS_PER_S ||
        lay->live.last_arrival > lim->now + NS_PER_S ||
        lay->live.service_start_ns > lim->now + NS_PER_S ||
        lay->live.service_start_ns < 0)
        sigbus_damaged("a time in the future");
    if (!serial_is_sane(lay->live.last_id) ||
        !serial_is_sane(lay->live.last_grant) ||
        !serial_is_sane(lay->live.last_chunk))
        sigbus_damaged("a number that nobody can count to");
    lim->now = max_i64(lim->now, lay->live.now_ns);
    if (lay->live.dirty) {
        lay->live.repairs++;
        lim->journal.did.repairs++;
        repair_run(lay, lim->now);
        lim->repaired = true;
    }
    return true;
}

/* Needs the lock, and is a write: the first of a section. */
static void enter(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;

    if (lim->repairs != lay->live.repairs)
        lim->unsettled = true; /* what operator.c knows may be lost */
    if (lim->seat != NONE &&
        !workers_is_mine(lay, lim->seat, lim->wake.address))
        sigbus_damaged("our seat");
    lay->live.now_ns = lim->now;
    lim->service_start_ns = lay->live.service_start_ns;
}

/* Needs the lock.  What holds, who we are, and what we brought along. */
static void settle_in(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;

    if (lim->seat == NONE) {
        journal_sweep(lim);
        lim->at_odds = !upstream_map_take(lim);
        if (lim->at_odds)
            return; /* limiter_turn() refuses and tries again */
    }
    lim->repairs = lay->live.repairs;
    upstream_map_rule(lim, operator_lead(lim));
    lead_rule(lim);
    rescope_rows(lay, lim->now);
    if (lim->seat == NONE)
        lim->seat =
            workers_claim(lay, lim->file.fd, lim->wake.address, lim->now);
    if (lim->seat != NONE)
        ticket_ops_adopt(lim);
}

/* Needs the lock.  What one of us does once a second, for all. */
static void sweep(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    int64_t last = lay->live.swept_ns;

    if (last > lim->now - TICK_NS && last <= lim->now)
        return;
    journal_sweep(lim);
    upstream_map_rule(lim, false);
    verdicts_tick(lim);
}

/* Needs the lock.  A turn has its bounds: see TURN_MAX. */
static void begin_effort(struct limiter *lim)
{
    const struct effort none = {0, 0, false};

    lim->joins = lim->at_joins = lim->grants = lim->told = none;
    lim->more = lim->adopting = false;
}

static void locked(void *arg)
{
    struct limiter *lim = arg;

    enter(lim);
    begin_effort(lim);
    if (lim->seat == NONE || lim->unsettled)
        settle_in(lim);
    if (lim->seat != NONE)
        workers_seen(lim->file.lay, lim->seat, lim->now);
    lim->at_work = lim->seat != NONE && !lim->adopting;
    if (lim->at_work) {
        operator_look(lim);
        refusals_due(lim);  /* time first */
        giving_accept(lim); /* before revoke(): late is not never */
        giving_revoke(lim);
        sweep(lim);
        verdicts_end(lim);
        ticket_ops_fulfil(lim);
        completions_resolve(lim);
        operator_cancelled(lim);
        ticket_choices_refuse_all(lim);
        slots_hand_out_all(lim);
        ticket_events_places(lim);
        lead_look(lim);
        journal_gauge(lim);
    }
    lim->alone = workers_is_alone(lim->file.lay, lim->seat);
    lim->awaited = lim->file.lay->live.waiting > 0;
}

/* Needs the lock.  The statistics of it. */
static void counted(void *arg)
{
    struct limiter *lim = arg;

    count_journal(lim, lim->at_work ? history_save_step : NULL);
}

/* ---- a turn --------------------------------------------------------------- */

static void tell_workers(struct limiter *lim)
{
    uint32_t i;

    for (i = 0; i < lim->n_pokes; i++)
        wake_poke(&lim->wake, lim->pokes[i]);
    if (lim->n_pokes > 0)
        memset(lim->poked, 0, sizeof(lim->poked));
    lim->n_pokes = 0;
    for (i = 0; i < lim->gone.n; i++) {
        wake_bury_dead(&lim->wake, lim->gone.address[i]);
        limiter_say(lim, "worker_swept", "a dead worker's requests were ended");
    }
    lim->gone.n = 0;
    if (lim->repaired)
        limiter_say(lim, "state_repaired", "a worker died while it wrote");
    lim->repaired = false;
    change_log_tell(lim);
}

/* No turn could be had.  Those that wait, wait on; new ones are refused once
 * it has lasted, because nobody can say for how long. */
static int64_t trouble(struct limiter *lim, int64_t retry_ns)
{
    struct ticket *t;

    if (lim->trouble_ns == NEVER)
        lim->trouble_ns = lim->now;
    if (lim->now - lim->trouble_ns >= PATIENCE_NS)
        for (t = lim->all.first; t != NULL; t = t->next)
            if ((t->wishes & WISH_JOIN) != 0) {
                ticket_ops_owe(lim, t);
                ticket_events_refused(lim, t, REFUSED_STATE, -1);
            }
    ticket_events_tell(lim, true);
    ticket_events_free(lim);
    return lim->now + retry_ns;
}

static int64_t busy_ns(const struct limiter *lim)
{
    if (lim->trouble_ns == NEVER)
        return BUSY_NS;
    return min_i64(max_i64((lim->now - lim->trouble_ns) / 8, BUSY_NS),
                   BUSY_MAX_NS);
}

static enum state_end run(struct limiter *lim, const struct transaction *what)
{
    const char *damage = "";
    struct transaction t = *what;
    enum state_end end;

    t.fd = lim->file.fd;
    t.lay = lim->file.lay;
    lim->next_ns = lim->now + TICK_NS;
    change_log_forget(lim);
    end = state_write(&t, &damage);
    if (end == STATE_DAMAGED)
        attach_lose(lim, damage, true);
    else
        attach_look_at_stats(lim);
    return end;
}

/* The lock is not fair: who takes it again at once leaves others, who try every
 * millisecond, no moment to get it in. */
static int64_t gap_ns(const struct limiter *lim)
{
    return lim->alone ? 0 : GAP_NS;
}

int64_t limiter_turn(struct limiter *lim, int64_t now)
{
    const struct transaction t = {
        .may = begin, .fn = locked, .also = counted, .arg = lim};
    enum state_end end;

    lim->now = now;
    lim->more = false;
    if (lim->wishes == NULL) /* else a poke may wait for a turn of its own */
        wake_drain(&lim->wake);
    history_save_reap(lim);
    do {
        if (!attach_check(lim))
            return trouble(lim, max_i64(lim->retry_ns - now, BUSY_NS));
        lim->late = false;
        end = run(lim, &t);
        if (end == STATE_DAMAGED)
            return trouble(lim, 0);
        if (end == STATE_BUSY && !lim->late)
            return trouble(lim, busy_ns(lim));
    } while (lim->late);
    lim->starting = false;
    tell_workers(lim);
    history_save_go_on(lim);
    if (lim->seat == NONE) {
        if (lim->at_odds && !lim->told_odds)
            limiter_say(lim, "upstreams_differ",
                        "workers with other upstreams use all %d rows: nothing "
                        "can be sent until some of them end",
                        LAY_UPSTREAMS);
        lim->told_odds = lim->at_odds;
        return trouble(lim, FULL_NS);
    }
    lim->trouble_ns = NEVER;
    lim->hurry = lim->wishes != NULL;
    ticket_events_tell(lim, false);
    ticket_events_free(lim);
    completions_trim(lim);
    if (lim->more)
        return lim->now + gap_ns(lim);
    if (lim->wishes == NULL)
        return lim->next_ns;
    return lim->stuck ? min_i64(lim->next_ns, lim->now + STUCK_NS) : lim->now;
}

struct errand {
    struct limiter *lim;
    void (*fn)(struct limiter *lim, void *arg);
    void *arg;
};

static bool may_run_errand(void *arg)
{
    return begin(((struct errand *)arg)->lim);
}

static void run_errand(void *arg)
{
    struct errand *e = arg;

    enter(e->lim);
    e->fn(e->lim, e->arg);
}

static void count_errand(void *arg)
{
    count_journal(((struct errand *)arg)->lim, NULL);
}

bool turn_at_once(struct limiter *lim, int64_t now,
                  void (*fn)(struct limiter *lim, void *arg), void *arg)
{
    struct errand e = {lim, fn, arg};
    const struct transaction t = {.may = may_run_errand,
                                  .fn = run_errand,
                                  .also = count_errand,
                                  .arg = &e};

    lim->now = max_i64(lim->now, now);
    do {
        if (!attach_check(lim) || lim->seat == NONE || lim->unsettled)
            return false; /* a turn has to come first */
        lim->late = false;
        if (run(lim, &t) != STATE_DONE && !lim->late)
            return false;
    } while (lim->late);
    tell_workers(lim);
    return true;
}

/* ---- the last one ------------------------------------------------------------- */

/* Needs the lock.  What was asked last still counts, but nothing new begins;
 * what becomes free goes to the others. */
static void leave(void *arg)
{
    struct limiter *lim = arg;
    struct ticket *t;

    enter(lim);
    for (t = lim->all.first; t != NULL; t = t->next)
        t->wishes &= WISH_SENT | WISH_REPORT | WISH_DONE | WISH_ASIDE;
    do {
        begin_effort(lim);
        if (lim->unsettled)
            settle_in(lim);
    } while (lim->adopting);
    refusals_due(lim);
    ticket_ops_fulfil(lim);
    completions_resolve(lim);
    workers_leave(lim->file.lay, lim->file.fd, lim->seat, lim->now,
                  &lim->journal.lost);
    lim->seat = NONE;
    slots_hand_out_all(lim);
}

static void count_last(void *arg)
{
    count_journal(arg, NULL);
}

void turn_leave(struct limiter *lim, int64_t wait_ns)
{
    const struct transaction t = {.may = begin,
                                  .fn = leave,
                                  .also = count_last,
                                  .arg = lim,
                                  .wait_ns = wait_ns};

    if (run(lim, &t) == STATE_DONE)
        tell_workers(lim);
}
