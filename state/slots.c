/*
 * slots.c - a slot is open: who gets it, and who watches for the next one?
 *
 * Whoever holds the lock hands out slots to everybody (giving.c).
 *
 * What always holds when the lock is free: no slot of a scope is open while a
 * worker that answers has a waiter that may go: see retreat.c, model_state.c and
 * quota.c for those that may not.  But for what a turn had no time for
 * (TURN_MAX): then the next one follows at once.
 *
 * Who wakes for the next slot?  What stops a grant ends with a time or with an
 * event.  An event (a write, an end, an answer, an operator) is somebody's turn.
 * For a time there is an alarm: windows, buckets, gaps, holds and 402s say when
 * the slot opens (slot_source.h), a recovering scope when its allowance grows,
 * rests, ejections and the clients' own limits when the first that waits may use
 * it.  The later of the two counts, and whoever wakes looks anew.
 */
#include "state/slots.h"
#include "state/giving.h"
#include "state/policy/admit.h"
#include "state/policy/eligible.h"
#include "state/policy/kept.h"
#include "state/policy/lent_order.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/openings.h"
#include "state/policy/queue.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"
#include "state/refusals.h"
#include "state/slots_shared.h"
#include "state/ticket_events.h"
#include "state/worker.h"

#define BACKSTOP_NS (5 * NS_PER_MS) /* after the leader's alarm */

/* Is there a slot that ROW fits into?  One is there for what takes TAKE_ONE.
 * Nobody goes instead of it: what is heavy would wait for ever. */
static bool fits(struct limiter *lim, const struct slot_source *source,
                 uint32_t row, int64_t *when)
{
    const struct lay_row *r = row_at(lim->file.lay, row);
    struct take what = tokens_of_scope(lim->file.lay, r);

    return (what.weight == 1 && what.tokens == 0) ||
           source->have(lim->file.lay, r->scope, what, lim->now, when);
}

/* Who is next: by the store's order over all hosts where a slot is its, else by
 * our own. */
static uint32_t best(struct layout *lay, uint32_t scope)
{
    uint32_t row;

    if (lay->store.held == 0)
        return queue_best(lay, scope);
    row = lent_order_first(lay, scope, lay->live.now_ns);
    if (row != NONE)
        return row;
    /* Whose client has limits of its own needs a slot that was given to it: only
     * the store knows what it sends elsewhere. */
    row = queue_best(lay, scope);
    return row != NONE && quota_limits(lay, row_at(lay, row)->client) ? NONE
                                                                      : row;
}

/* Who has the slot that is there?  NONE: nobody, or somebody for whom it is
 * kept.  *MORE: look again. */
static uint32_t whose_turn(struct limiter *lim, uint32_t scope, int64_t *when,
                           bool *more)
{
    struct layout *lay = lim->file.lay;
    const struct lay_scope *s = scope_at(lay, scope);
    uint32_t row = kept_ready(lay, scope), owed;

    *more = false;
    if (row != NONE)
        return row;
    if (s->kept > 0 &&
        !slot_source_of(lay, scope)
             ->have(lay, scope, (struct take){s->kept + 1, 0}, lim->now, when))
        return NONE; /* all that are there are kept */
    *when = lim->now;
    row = best(lay, scope);
    if (row == NONE || lay->live.limited == 0)
        return row;
    owed = queue_turn(lay, scope);
    if (owed == NONE || !eligible_is_model_blocked(lay, owed))
        return row;
    queue_keep(lay, owed); /* before somebody else takes it */
    *more = true;
    return NONE;
}

/* At the line: for the best, and where slots are kept for whose they are and
 * whose turn it would be. */
static uint32_t looks_for_one(const struct lay_scope *s)
{
    return s->kept > 0 ? 4 * s->waiting : s->waiting;
}

/* What is kept for those who will not come to it, others can have. */
static bool let_go(struct limiter *lim, uint32_t scope)
{
    return scope_at(lim->file.lay, scope)->kept > 0 &&
           kept_each_idle(lim->file.lay, scope, queue_keep_no_longer);
}

/* As many as there are; the time when there is one more. */
static int64_t give_all(struct limiter *lim, uint32_t scope,
                        struct effort *effort)
{
    struct layout *lay = lim->file.lay;
    const struct lay_scope *s = scope_at(lay, scope);
    const struct slot_source *source = slot_source_of(lay, scope);
    int64_t when;
    uint32_t row;
    bool more;

    for (;;) {
        if (s->waiting == 0)
            return NEVER; /* whoever comes looks for himself */
        if (!source->have(lay, scope, TAKE_ONE, lim->now, &when))
            break;
        if (!effort_take(effort, looks_for_one(s)))
            return lim->now;
        row = whose_turn(lim, scope, &when, &more);
        if (more)
            continue;
        if (row == NONE) /* blocked ones and stalled workers */
            return when;
        if (!fits(lim, source, row, &when))
            break;
        giving_give(lim, row);
    }
    source->want(lay, scope, when, lim->now);
    return when;
}

int64_t slots_hand_out(struct limiter *lim, uint32_t scope,
                       struct effort *effort)
{
    int64_t when;

    if (wants_share(lim->file.lay, scope))
        return slots_shared_hand_out(lim, scope, effort);
    refusals_time(lim, scope);
    admit_refresh(lim->file.lay, scope, lim->now);
    (void)let_go(lim, scope);
    do
        when = give_all(lim, scope, effort);
    while (let_go(lim, scope)); /* a client's own limit is reached by a grant */
    return when;
}

/* ---- the next one --------------------------------------------------------- */

/* The worker of the next in line sets the exact alarm, and is told if that is
 * sooner than it knows; the others come a little later, in case it does not. */
static void lead(struct limiter *lim, uint32_t scope, uint32_t row,
                 int64_t when)
{
    struct lay_scope *s = scope_at(lim->file.lay, scope);
    uint32_t leader = row_at(lim->file.lay, row)->worker;

    if (leader != s->leader || when < s->alarm_ns)
        giving_poke(lim, leader);
    s->leader = leader;
    s->alarm_ns = when;
    giving_alarm(lim, leader == lim->seat ? when : when + BACKSTOP_NS);
}

static void set_shared_alarm(struct limiter *lim, uint32_t line, int64_t when)
{
    uint32_t row;

    if (when <= lim->now)
        return; /* cut short: a turn follows */
    row = slots_shared_next(lim, line, &when);
    if (row != NONE)
        lead(lim, line, row, when);
    else
        scope_at(lim->file.lay, line)->alarm_ns = NEVER;
}

/* The next slot of SCOPE opens at WHEN: for somebody who may go then, or else
 * for whoever may go first after it. */
static void set_alarm(struct limiter *lim, uint32_t scope, int64_t when)
{
    struct layout *lay = lim->file.lay;
    uint32_t row = NONE, kept;
    int64_t free_at, open_at;

    if (wants_share(lay, scope)) {
        set_shared_alarm(lim, scope, when);
        return;
    }
    when = min_i64(when, scope_grows_at(lay, scope));
    if (when != NEVER)
        row = queue_best(lay, scope);
    if (when != NEVER && row == NONE) {
        row = eligible_next(lay, scope, &free_at);
        when = max_i64(when, free_at);
    }
    kept = kept_next(lay, scope, &free_at); /* that one has its slot already */
    if (kept != NONE &&
        !slot_source_of(lay, scope)
             ->have(lay, scope, tokens_of_scope(lay, row_at(lay, kept)),
                    lim->now, &open_at))
        free_at = max_i64(free_at, open_at);
    if (kept != NONE && free_at < when) {
        row = kept;
        when = free_at;
    }
    if (row != NONE)
        lead(lim, scope, row, when);
    else /* what opens one is somebody's turn */
        scope_at(lay, scope)->alarm_ns = NEVER;
}

/* The first scope from FROM on that has waiters or retreats. */
static uint32_t next_busy(const struct layout *lay, uint32_t from)
{
    uint32_t word = from / 64;
    uint64_t mask = UINT64_MAX << from % 64;

    for (; word < ARRAY_LEN(lay->live.active); word++, mask = UINT64_MAX) {
        uint64_t bits =
            (lay->live.active[word] | lay->live.retreating[word]) & mask;

        if (bits != 0)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return LAY_SCOPES;
}

static void hand_out_between(struct limiter *lim, uint32_t from, uint32_t to)
{
    struct layout *lay = lim->file.lay;
    uint32_t scope;

    for (scope = next_busy(lay, from); scope < to;
         scope = next_busy(lay, scope + 1)) {
        bool was_cut = lim->grants.cut;

        if (scope_at(lay, scope)->waiting == 0)
            refusals_time(lim, scope);
        else
            set_alarm(lim, scope, slots_hand_out(lim, scope, &lim->grants));
        if (lim->grants.cut && !was_cut)
            lim->hand_from = (scope + 1) % LAY_SCOPES;
    }
}

void slots_hand_out_all(struct limiter *lim)
{
    uint32_t first = lim->hand_from;

    hand_out_between(lim, first, LAY_SCOPES);
    if (first > 0)
        hand_out_between(lim, 0, first);
    lim->more |= lim->grants.cut;
}
