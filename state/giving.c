/*
 * giving.c - a row gets its slot: how does its worker come to know?
 *
 * A ticket of our own is granted at once, another worker's row is offered its slot
 * and the worker is poked.  An offer that is not accepted in OFFER_NS goes back
 * into line, and its worker gets no more until it has been seen: so a stopped
 * worker delays the others once, by that long, and can never use a slot it was not
 * given.
 */
#include "state/giving.h"

#include "state/policy/model_state.h"
#include "state/policy/row.h"
#include "state/policy/scope.h"
#include "state/ticket_events.h"
#include "state/worker.h"

#define OFFER_NS (50 * NS_PER_MS) /* 1,000 times a wake-up's latency */

void giving_poke(struct limiter *lim, uint32_t worker)
{
    const struct lay_worker *w = worker_at(lim->file.lay, worker);
    uint64_t bit = UINT64_C(1) << worker % 64;

    if (worker == lim->seat || (lim->poked[worker / 64] & bit) != 0)
        return;
    lim->poked[worker / 64] |= bit;
    lim->pokes[lim->n_pokes++] = w->address;
}

void giving_poke_all(struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = 0; i < lay->live.workers_high && i < LAY_WORKERS; i++)
        if (lay->workers[i].used)
            giving_poke(lim, i);
}

void giving_alarm(struct limiter *lim, int64_t when)
{
    lim->next_ns = min_i64(lim->next_ns, when);
}

static void grant(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;
    const struct lay_row *r = row_at(lay, row);
    struct ticket *t = lim->by_row[row];

    if (t == NULL || t->row != row || t->id != r->id)
        sigbus_damaged("a row of ours that we do not know");
    row_grant(lay, row, lim->now);
    lim->journal.did.granted++;
    /* First: cut short before it is told, the grant was none, and the ticket
     * waits on. */
    ticket_events_granted(lim, t);
    t->state = TICKET_OPEN;
    t->sent_ns = NEVER;
}

void giving_accept(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    const struct lay_worker *self = worker_at(lay, lim->seat);
    struct ticket *t;

    for (t = lim->all.first; t != NULL && self->offers > 0; t = t->next)
        if (t->state == TICKET_LINE && t->row != NONE &&
            (t->wishes & WISH_DONE) == 0 &&
            row_at(lay, t->row)->state == ROW_OFFERED)
            grant(lim, t->row);
}

void giving_revoke(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    if (lay->live.offered == 0)
        return;
    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++) {
        const struct lay_row *r = &lay->rows[i];

        if (r->state != ROW_OFFERED || r->worker == lim->seat)
            continue;
        if (r->changed_ns <= lim->now && r->changed_ns > lim->now - OFFER_NS) {
            giving_alarm(lim, r->changed_ns + OFFER_NS);
            continue;
        }
        workers_stall(lay, r->worker);
        row_revoke(lay, i, lim->now);
        lim->journal.did.revoked++;
        lay->live.swept_ns = 0; /* it may be dead: look now */
    }
}

void giving_give(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;

    if (row_at(lay, row)->worker == lim->seat) {
        grant(lim, row);
    } else {
        row_offer(lay, row, lim->now);
        giving_poke(lim, row_at(lay, row)->worker);
        giving_alarm(lim, lim->now + OFFER_NS);
    }
    lim->journal.did.probes +=
        scope_probes_with(lay, row) + model_state_tries_with(lay, row);
}
