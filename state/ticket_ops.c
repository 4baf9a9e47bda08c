/*
 * ticket_ops.c - what was asked since the last turn?
 *
 * fcgi/ asks between turns; a ticket remembers what for.  A wish is struck out
 * when it is fulfilled, so a turn that is cut short by a damaged file neither
 * forgets one nor does one twice.
 *
 * Those that come into line are so many a turn (TURN_MAX): each is a look at a
 * table of names, or at a line, and then at who is told its place.  The others
 * wait for the next turn, in their order; whoever goes on or ends does not.
 *
 * Only a ticket that was told of its grant can have sent.  A wish that says
 * "sent", openly or by not saying "unsent", is therefore taken from no other.
 */
#include <string.h>

#include "state/journal.h"
#include "state/policy/admit.h"
#include "state/policy/affinity.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/model_state.h"
#include "state/policy/retry_priority.h"
#include "state/policy/row.h"
#include "state/policy/wants.h"
#include "state/slots.h"
#include "state/ticket_choices.h"
#include "state/ticket_events.h"
#include "state/ticket_ops.h"
#include "state/ticket_takes.h"
#include "state/upstream_map.h"
#include "state/verdicts.h"
#include "state/worker.h"

/* How often strange retries may make us look: the SDKs come after 400 ms. */
#define RETRY_SWEEP_NS (50 * NS_PER_MS)

#define JOIN_LOOKS LAY_CLIENTS /* a name that is new: no row of them is free */

/* What only gives back, or tells what was. */
#define CALM                                                                   \
    (WISH_SENT | WISH_REPORT | WISH_SETTLE | WISH_DONE | WISH_BODY_GONE)

void ticket_ops_add(struct limiter *lim, struct ticket *t, unsigned what)
{
    t->wishes |= what;
    lim->hurry |= (what & ~(unsigned)CALM) != 0;
    if (t->wishing)
        return;
    t->wishing = true;
    t->next_wish = NULL;
    *lim->wishes_end = t;
    lim->wishes_end = &t->next_wish;
}

static void pop_wish(struct limiter *lim)
{
    struct ticket *t = lim->wishes;

    lim->wishes = t->next_wish;
    if (lim->wishes == NULL)
        lim->wishes_end = &lim->wishes;
    t->wishing = false;
}

/* ---- rows for tickets --------------------------------------------------- */

static void bind_row(struct limiter *lim, struct ticket *t, uint32_t row)
{
    const struct lay_row *r = row_at(lim->file.lay, row);

    t->row = row;
    t->id = r->id;
    t->arrival = r->arrival;
    lim->by_row[row] = t;
}

/* Needs the lock.  The same in a LINE that several share: as if all that wait
 * there went before it. */
static int64_t eta_of_next_shared(struct limiter *lim, const struct ticket *t,
                                  uint32_t line)
{
    struct layout *lay = lim->file.lay;
    uint32_t waiting = scope_at(lay, line)->waiting;
    int64_t eta;

    lim->joins.looks += waiting;
    eta = max_i64(line_eta_nth(&lim->line_eta, lay, line, waiting, lim->now),
                  ticket_takes_own_eta(lay, &t->req, lim->now));
    return eta == NEVER ? -1 : eta - lim->now;
}

/* Needs the lock.  ETA of a request that would now go to the end of line. */
static int64_t eta_of_next(struct limiter *lim, const struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    uint32_t model, scope = wants_line(lay, t->req.upstream);
    int64_t eta;

    if (scope != NONE)
        return eta_of_next_shared(lim, t, scope);
    scope = row_scope(lay, &t->req, lim->now, &model);
    if (scope == NONE)
        return -1;
    admit_refresh(lay, scope, lim->now);
    if (admit_is_stepwise(lay, scope))
        lim->joins.looks += scope_at(lay, scope)->waiting;
    eta = admit_eta(lay, scope, scope_at(lay, scope)->waiting, lim->now);
    eta = max_i64(eta, ticket_takes_own_eta(lay, &t->req, lim->now));
    return eta == NEVER ? -1 : eta - lim->now;
}

/* Needs the lock. */
static void refuse(struct limiter *lim, struct ticket *t,
                   enum limiter_refusal why)
{
    struct layout *lay = lim->file.lay;

    lim->journal.did.refused[why]++;
    t->news.waiting = lay->live.waiting;
    retry_priority_note(lay, t->req.fingerprint, lim->now);
    ticket_events_refused(lim, t, why, eta_of_next(lim, t));
}

/* Needs the lock.  Is T owed the head of its line?  Whoever asks again may do
 * so because its worker died, sooner than we look for the dead. */
static bool claim(struct limiter *lim, const struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    int64_t last = lay->live.swept_ns;

    if (retry_priority_claim(lay, t->req.fingerprint, lim->now))
        return true;
    if (last > lim->now - RETRY_SWEEP_NS && last <= lim->now)
        return false;
    journal_sweep(lim);
    return retry_priority_claim(lay, t->req.fingerprint, lim->now);
}

/* Needs the lock. */
static void do_join(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    struct row_join j = {.req = &t->req,
                         .worker = lim->seat,
                         .generation = t->generation,
                         .said_ns = lim->now};
    struct limiter_choice choices[LIMITER_CHOICES];
    enum limiter_refusal why;
    uint32_t row = NONE;

    t->joined_ns = lim->now;
    ticket_choices_place(lim, t, choices);
    if (ticket_choices_refuse(lim, t, NONE) ||
        ticket_takes_refuse(lim, t, choices))
        return;
    j.to_head = t->to_head = t->req.retry && claim(lim, t);
    why = row_join(lay, &j, lim->now, &row);
    t->req.choices = NULL;
    if (why != REFUSED_NOT) {
        refuse(lim, t, why); /* notes it again */
        return;
    }
    lim->journal.did.joined++;
    lim->journal.did.seniors += t->to_head;
    t->state = TICKET_LINE;
    bind_row(lim, t, row);
    /* Now: it is joined, even if what follows is cut short. */
    t->wishes &= ~(unsigned)WISH_JOIN;
    ticket_events_fresh(lim, t);
    /* At once, so that one that need not wait does not fill the queue. */
    (void)slots_hand_out(lim, row_at(lay, row)->scope, &lim->at_joins);
}

/* Needs the lock. */
static void do_aside(struct limiter *lim, struct ticket *t)
{
    row_aside(lim->file.lay, t->row, t->aside_ns, lim->now);
    t->state = TICKET_ASIDE;
    t->granted = false;
    t->wishes &= ~(unsigned)WISH_ASIDE; /* as in do_join() */
}

/* Needs the lock. */
static void do_again(struct limiter *lim, struct ticket *t)
{
    row_again(lim->file.lay, t->row, lim->now);
    lim->journal.did.again++;
    t->state = TICKET_LINE;
    t->granted = false;
    t->wishes &= ~(unsigned)WISH_AGAIN; /* as in do_join() */
    if (ticket_choices_refuse(lim, t, row_at(lim->file.lay, t->row)->model))
        return;
    ticket_events_fresh(lim, t);
}

/* Needs the lock. */
static void do_leave(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;

    if (t->lost)
        retry_priority_note(lay, t->req.fingerprint, lim->now);
    if (t->failed)
        retry_priority_failed(lay, t->req.fingerprint, lim->now);
    if (t->row != NONE) {
        row_leave(lay, t->row);
        if (t->granted)
            lim->journal.did.done++;
        else
            lim->journal.did.left++;
        lim->by_row[t->row] = NULL;
        t->row = NONE;
    }
    t->state = TICKET_OVER;
    ticket_events_over(lim, t);
}

/* ---- fulfilling ---------------------------------------------------------- */

/* Needs the lock.  May one more come into line in this turn?  Not before those
 * of earlier turns were told their places: who is refused then makes room. */
static bool may_line_up(struct limiter *lim)
{
    if (!lim->behind && !lim->at_joins.cut &&
        effort_take(&lim->joins, JOIN_LOOKS))
        return true;
    lim->more = true;
    return false;
}

/* Needs the lock.  Returns false when the ticket has to come again. */
static bool do_sent(struct limiter *lim, struct ticket *t)
{
    struct layout *lay = lim->file.lay;
    int64_t at = t->sent_ns;
    bool was_open;

    if (t->state != TICKET_OPEN)
        return true;
    if (t->row == NONE)
        return false;
    /* Never before its grant: nothing was on the wire then. */
    at = min_i64(max_i64(at, row_at(lay, t->row)->changed_ns), lim->now);
    was_open = row_at(lay, t->row)->state == ROW_OPEN;
    if (!row_sent(lay, t->row, at))
        return false;
    if (was_open) /* else a repair found it in the log */
        journal_sent(lim, t);
    affinity_note(lay, t->req.affinity.key,
                  limits_upstream(lay, row_at(lay, t->row)->scope), lim->now);
    t->state = TICKET_SENT;
    return true;
}

/* Needs the lock.  What is left of T's wishes could not be had yet. */
static void fulfil(struct limiter *lim, struct ticket *t)
{
    if (t->row != NONE && row_at(lim->file.lay, t->row)->id != t->id)
        sigbus_damaged("a row of ours holds another ticket");
    if ((t->wishes & WISH_JOIN) != 0 && (t->wishes & WISH_DONE) == 0) {
        if (!may_line_up(lim))
            return;
        do_join(lim, t);
    }
    t->wishes &= ~(unsigned)WISH_JOIN;
    if (t->state == TICKET_OVER) /* refused, maybe right now */
        t->wishes &= WISH_DONE;
    if ((t->wishes & WISH_SENT) != 0 && !do_sent(lim, t))
        return;
    t->wishes &= ~(unsigned)WISH_SENT;
    if ((t->wishes & WISH_REPORT) != 0 && t->row != NONE)
        verdicts_apply(lim, t);
    t->wishes &= ~(unsigned)WISH_REPORT;
    if ((t->wishes & WISH_SETTLE) != 0)
        ticket_takes_settle(lim, t);
    t->wishes &= ~(unsigned)WISH_SETTLE;
    if ((t->wishes & WISH_DONE) != 0) {
        do_leave(lim, t);
        t->wishes = 0;
    }
    if ((t->wishes & WISH_BODY_GONE) != 0 && t->row != NONE)
        row_body_gone(lim->file.lay, t->row);
    t->wishes &= ~(unsigned)WISH_BODY_GONE;
    if ((t->wishes & WISH_ASIDE) != 0 && t->row != NONE)
        do_aside(lim, t);
    if ((t->wishes & WISH_AGAIN) != 0 && t->row != NONE) {
        if (!may_line_up(lim))
            return;
        do_again(lim, t);
    }
    if (t->row != NONE || t->state == TICKET_OVER)
        t->wishes = 0;
}

void ticket_ops_owe(struct limiter *lim, const struct ticket *t)
{
    if (lim->n_owed < OWED_MAX)
        lim->owed[lim->n_owed++] =
            (struct lay_retry){t->req.fingerprint, lim->now};
}

/* Needs the lock. */
static void pay(struct limiter *lim)
{
    uint32_t i;

    for (i = 0; i < lim->n_owed; i++)
        if (lim->owed[i].at_ns >= lim->now - RETRY_PRIORITY_NS)
            retry_priority_note(lim->file.lay, lim->owed[i].fingerprint,
                                lim->now);
    lim->n_owed = 0;
}

void ticket_ops_fulfil(struct limiter *lim)
{
    struct ticket *t, *first_left = NULL;

    pay(lim);
    lim->behind = lim->fresh != NULL;
    while (lim->wishes != NULL && lim->wishes != first_left) {
        t = lim->wishes;
        fulfil(lim, t); /* first: should it be cut short, T is in the list */
        pop_wish(lim);
        if (t->wishes == 0)
            continue;
        ticket_ops_add(lim, t, 0);
        first_left = first_left == NULL ? t : first_left;
    }
    lim->stuck = first_left != NULL;
}

/* ---- a file is lost, another is there ------------------------------------- */

static uint32_t row_state_of(const struct ticket *t)
{
    switch (t->state) {
    case TICKET_LINE:
        return ROW_WAITING;
    case TICKET_OPEN:
        return ROW_OPEN;
    case TICKET_ASIDE:
        return ROW_ASIDE;
    case TICKET_SENT:
    case TICKET_NEW:
    case TICKET_OVER:
        break;
    }
    return ROW_SENT;
}

/* Needs the lock.  May others have had what ROW was granted in a lost file, as
 * this one knew nothing of it?  When windows are known from says so for a new
 * file alone: later losses, of a change of rules or of somebody who came from
 * elsewhere, move it on. */
static bool is_late(struct limiter *lim, uint32_t row)
{
    struct layout *lay = lim->file.lay;

    return lay->live.last_grant > 0 ||
           lim->now >= admit_known_from(lay, row_at(lay, row)->scope);
}

/* Needs the lock.  False: no room, to be tried again. */
static bool adopt(struct limiter *lim, struct ticket *t)
{
    struct row_join j = {.req = &t->req,
                         .worker = lim->seat,
                         .arrival = t->arrival,
                         .to_head = t->to_head,
                         .generation = t->generation,
                         .said_ns = t->joined_ns,
                         .aside_ns = t->aside_ns,
                         .choice = t->choice};
    struct limiter_choice choices[LIMITER_CHOICES];
    uint32_t state = row_state_of(t);
    uint32_t row = NONE;
    enum limiter_refusal why;

    ticket_choices_place(lim, t, choices);
    why = row_adopt(lim->file.lay, &j, state, lim->now, &row);
    t->req.choices = NULL;
    if (why == REFUSED_NOT) {
        bind_row(lim, t, row);
        if (t->state == TICKET_LINE)
            ticket_events_fresh(lim, t);
        if (t->state == TICKET_OPEN && is_late(lim, row))
            t->lapsed = true;
        return true;
    }
    if (t->state != TICKET_LINE)
        return false;
    refuse(lim, t, REFUSED_TABLE);
    return true;
}

/* Needs the lock.  Those that wait, or the others, as far as EFFORT goes.  How
 * many found no room. */
static uint32_t adopt_those(struct limiter *lim, bool waiting,
                            struct effort *effort)
{
    uint32_t homeless = 0;
    struct ticket *t;

    for (t = lim->all.first; t != NULL; t = t->next) {
        if (t->row != NONE || t->state == TICKET_NEW ||
            t->state == TICKET_OVER || (t->state == TICKET_LINE) != waiting)
            continue;
        if (!effort_take(effort, JOIN_LOOKS / 2))
            break;
        homeless += !adopt(lim, t);
    }
    return homeless;
}

/* What is in flight first: until all of it is there, nothing new may go.  But
 * where nothing finds room, the turn goes on: somebody has to end. */
void ticket_ops_adopt(struct limiter *lim)
{
    struct effort effort = {0, 0, false};
    uint32_t homeless = adopt_those(lim, false, &effort);

    homeless += adopt_those(lim, true, &effort);
    lim->unsettled = effort.cut || homeless > 0;
    lim->adopting = effort.cut && effort.n > homeless;
    lim->more |= lim->adopting;
}

void ticket_ops_unbind(struct limiter *lim)
{
    struct ticket *t;

    for (t = lim->all.first; t != NULL; t = t->next) {
        t->row = NONE;
        t->fresh = false;
    }
    lim->fresh = NULL;
    lim->fresh_end = &lim->fresh;
    memset(lim->by_row, 0, sizeof(lim->by_row));
}
