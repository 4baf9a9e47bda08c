/*
 * slots.c - a slot is open: who gets it, and who watches for the next one?
 *
 * Whoever holds the lock hands out slots to everybody: its own tickets are
 * granted at once, another worker's row is offered its slot and the worker is
 * poked.  An offer that is not accepted in OFFER_NS goes back into line, and
 * its worker gets no more until it has been seen: so a stopped worker delays
 * the others once, by that long, and can never use a slot it was not given.
 *
 * What always holds when the lock is free: no slot of a scope is open while a
 * worker that answers has a waiter that may go: see retreat.c, traits.c and
 * quota.c for those that may not.
 */
#include "admit.h"
#include "queue.h"
#include "row.h"
#include "traits.h"
#include "worker.h"

#define OFFER_NS    (50 * NS_PER_MS) /* 1,000 times a wake-up's latency */
#define BACKSTOP_NS (5 * NS_PER_MS)  /* after the leader's alarm */

void slots_poke(struct limiter *lim, uint32_t worker)
{
    const struct lay_worker *w = worker_at(lim->file.lay, worker);
    uint64_t bit = UINT64_C(1) << worker % 64;

    if (worker == lim->slot || (lim->poked[worker / 64] & bit) != 0)
        return;
    lim->poked[worker / 64] |= bit;
    lim->pokes[lim->n_pokes++] = w->address;
}

static void alarm_at(struct limiter *lim, int64_t when)
{
    lim->next_ns = min_i64(lim->next_ns, when);
}

static void grant(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *r = row_at(lay, row);
    struct ticket *t = lim->by_row[row];

    if (t == NULL || t->row != row || t->id != r->id)
        guard_damaged("a row of ours that we do not know");
    row_grant(lay, row, lim->now);
    /* First: cut short before it is news, the grant was none, and the ticket
     * waits on. */
    news_granted(lim, t);
    t->state = TICKET_OPEN;
    t->sent_ns = NEVER;
}

void slots_accept(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    const struct lay_worker *self = worker_at(lay, lim->slot);
    struct ticket *t;

    for (t = lim->all.first; t != NULL && self->offers > 0; t = t->next)
        if (t->state == TICKET_LINE && t->row != NONE &&
            (t->wishes & WISH_DONE) == 0 &&
            row_at(lay, t->row)->state == ROW_OFFERED)
            grant(lim, t->row);
}

void slots_revoke(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    if (lay->live.offered == 0)
        return;
    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++) {
        const struct lay_row *r = &lay->rows[i];

        if (r->state != ROW_OFFERED || r->worker == lim->slot)
            continue;
        if (r->changed_ns <= lim->now && r->changed_ns > lim->now - OFFER_NS) {
            alarm_at(lim, r->changed_ns + OFFER_NS);
            continue;
        }
        roster_stall(lay, r->worker);
        row_revoke(lay, i, lim->now);
        lay->live.counters.revoked++;
        lay->live.swept_ns = 0; /* it may be dead: look now */
    }
}

/* For when the next client comes below its own limit; not before SLOT opens.
 * A turn a second at least, by everybody, looks again: so it needs no leader,
 * only an order among those that wake. */
static void alarm_for_client(struct limiter *lim, uint32_t scope, int64_t slot)
{
    int64_t when;
    uint32_t row = queue_next_client(lim->file.lay, scope, &when);

    if (row == NONE || slot == NEVER)
        return;
    when = max_i64(when, slot);
    if (row_at(lim->file.lay, row)->worker != lim->slot)
        when += BACKSTOP_NS;
    alarm_at(lim, when);
}

int64_t slots_hand_out(struct limiter *lim, uint32_t scope)
{
    struct layout *lay = lim->file.lay;
    int64_t when;
    uint32_t row;

    verdicts_time(lim, scope);
    admit_refresh(lay, scope, lim->now);
    while (admit_now(lay, scope, lim->now, &when)) {
        row = queue_best(lay, scope);
        if (row == NONE) { /* nobody, or blocked ones and stalled workers */
            alarm_at(lim, traits_next_rest(lay, lim->now));
            alarm_for_client(lim, scope, lim->now);
            return NEVER;
        }
        admit_granted(lay, row, lim->now);
        if (row_at(lay, row)->worker == lim->slot) {
            grant(lim, row);
            continue;
        }
        row_offer(lay, row, lim->now);
        slots_poke(lim, row_at(lay, row)->worker);
        alarm_at(lim, lim->now + OFFER_NS);
    }
    return when;
}

/* The worker of the next in line sets the exact alarm; the others come a
 * little later, in case it does not. */
static void set_alarm(struct limiter *lim, uint32_t scope, int64_t when)
{
    struct lay_scope *s = scope_at(lim->file.lay, scope);
    uint32_t row = when == NEVER ? NONE : queue_best(lim->file.lay, scope);
    uint32_t leader;

    if (row == NONE) {
        alarm_for_client(lim, scope, when);
        return;
    }
    leader = row_at(lim->file.lay, row)->worker;
    if (leader != s->leader)
        slots_poke(lim, leader);
    s->leader = leader;
    alarm_at(lim, leader == lim->slot ? when : when + BACKSTOP_NS);
}

void slots_hand_out_all(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t word;

    for (word = 0; word < ARRAY_LEN(lay->live.active); word++) {
        uint64_t bits = lay->live.active[word] | lay->live.retreating[word];

        while (bits != 0) {
            uint32_t scope = word * 64 + (uint32_t)__builtin_ctzll(bits);

            bits &= bits - 1;
            if (scope_at(lay, scope)->waiting == 0)
                verdicts_time(lim, scope);
            else
                set_alarm(lim, scope, slots_hand_out(lim, scope));
        }
    }
}
