/*
 * operator.c - what do operators want of all workers?
 *
 *   fcgi/pages/admin.c   --> limiter_pause(), limiter_cancel(): at once, under the
 *                      lock, and every worker is poked
 *   each turn      --> operator_look(), operator_cancelled(): what did others order?
 *
 * A cancelled row is marked by whoever is asked, and ended by the worker it
 * belongs to, which alone can tell its client.  The marks are looked for only
 * when lay_control.cancels has moved.
 *
 * Rules carry the generation of the settings they come from.  A worker whose
 * own is behind leaves the rules alone: it is about to adopt newer ones.
 */
#include <string.h>

#include "lib/serial.h"
#include "state/giving.h"
#include "state/limiter.h"
#include "state/operator.h"
#include "state/operator_orders.h"
#include "state/policy/draft.h"
#include "state/policy/row.h"
#include "state/ticket_events.h"
#include "state/turn.h"
#include "state/worker.h"

/* Needs the lock. */
static struct lay_control *control_of(struct limiter *lim)
{
    struct lay_control *c = &lim->file.lay->control;

    if (!control_is_sane(c, lim->now))
        sigbus_damaged("control");
    return c;
}

/* ---- in each turn ------------------------------------------------------ */

bool operator_lead(struct limiter *lim)
{
    struct lay_control *c = control_of(lim);

    if (lim->seat == NONE)
        lim->cancels_seen = c->cancels - 1; /* another file: look */
    if (lim->generation < c->generation)
        return false;
    if (lim->generation > c->generation) {
        c->generation = lim->generation;
        giving_poke_all(lim);
    }
    return true;
}

/* As a whole: a pause that has the name of who resumed would be nobody's. */
static void set_pause(struct limiter *lim, struct lay_control *c,
                      uint64_t number, int64_t since_ns, const char *by)
{
    struct lay_control new = *c;

    control_set_pause(&new, number, since_ns, by);
    draft_put(lim->file.lay, c, &new, sizeof(new));
}

/* A new file knows of no pause: the latest that anybody knows of holds. */
static void settle_pause(struct limiter *lim, struct lay_control *c)
{
    struct pause *own = &lim->pause;

    if (c->pauses < own->number) {
        set_pause(lim, c, own->number, own->since_ns, own->by);
        giving_poke_all(lim);
    }
    if (c->pauses == own->number && c->paused_ns == own->since_ns)
        return;
    own->number = c->pauses;
    own->since_ns = c->paused_ns;
    memcpy(own->by, c->by, sizeof(own->by) - 1);
}

void operator_look(struct limiter *lim)
{
    struct lay_control *c = control_of(lim);

    settle_pause(lim, c);
    lim->newest = c->generation;
    worker_at(lim->file.lay, lim->seat)->generation = lim->generation;
    worker_at(lim->file.lay, lim->seat)->upstreams = lim->rows;
}

/* Needs the lock.  One that waits, in line or aside, leaves; one that runs is ended by
 * its owner, for it may have sent. */
static void end_one(struct limiter *lim, struct ticket *t)
{
    if (t->state == TICKET_LINE || t->state == TICKET_ASIDE) {
        lim->by_row[t->row] = NULL;
        row_leave(lim->file.lay, t->row);
        lim->journal.did.left++;
        t->row = NONE;
        t->state = TICKET_OVER;
        t->wishes = 0;
    }
    t->cancelled = true;
    ticket_events_add(lim, t, TICKET_CANCELLED);
}

void operator_cancelled(struct limiter *lim)
{
    struct lay_control *c = control_of(lim);
    struct ticket *t;

    if (c->cancels == lim->cancels_seen)
        return;
    for (t = lim->all.first; t != NULL; t = t->next)
        if (t->row != NONE && !t->cancelled && (t->wishes & WISH_DONE) == 0 &&
            (row_at(lim->file.lay, t->row)->flags & ROW_CANCELLED) != 0)
            end_one(lim, t);
    lim->cancels_seen = c->cancels;
}

/* ---- at once ------------------------------------------------------------ */

/* Needs the lock.  Who was offered a slot waits on, in its old place. */
static void take_offers_back(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = 0; lay->live.offered > 0 && i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_OFFERED)
            row_revoke(lay, i, lim->now);
}

static void pause_locked(struct limiter *lim, void *arg)
{
    const char *by = arg;
    struct lay_control *c = control_of(lim);

    if ((c->paused_ns != 0) == (by != NULL))
        return; /* it was so already: since then, and by whom, stays */
    set_pause(lim, c, serial_next(c->pauses),
              by != NULL ? max_i64(lim->now, 1) : 0, by != NULL ? by : "");
    if (by != NULL)
        take_offers_back(lim);
    settle_pause(lim, c);
    giving_poke_all(lim);
}

bool limiter_pause(struct limiter *lim, const char *by, int64_t now)
{
    char copy[LIMITER_BY_MAX] = "";

    if (by == NULL)
        return turn_at_once(lim, now, pause_locked, NULL);
    memcpy(copy, by, strnlen(by, sizeof(copy) - 1));
    return turn_at_once(lim, now, pause_locked, copy);
}

bool limiter_is_paused(const struct limiter *lim)
{
    return lim->pause.since_ns != 0;
}

struct cancel {
    const char *id;
    uint32_t n;
};

static void cancel_locked(struct limiter *lim, void *arg)
{
    struct layout *lay = lim->file.lay;
    struct lay_control *c = control_of(lim);
    struct cancel *what = arg;
    uint32_t i;

    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++) {
        struct lay_row *r = &lay->rows[i];

        if (r->state == ROW_FREE ||
            strncmp(r->request_id, what->id, sizeof(r->request_id)) != 0)
            continue;
        __atomic_store_n(&r->flags, (uint16_t)(r->flags | ROW_CANCELLED),
                         __ATOMIC_RELEASE);
        giving_poke(lim, r->worker);
        what->n++;
    }
    c->cancels += what->n > 0;
}

bool limiter_cancel(struct limiter *lim, const char *request_id, int64_t now,
                    uint32_t *n)
{
    struct cancel what = {request_id, 0};
    bool done = turn_at_once(lim, now, cancel_locked, &what);

    *n = what.n;
    return done;
}

/* ---- settings -------------------------------------------------------------- */

uint64_t limiter_generation(const struct limiter *lim)
{
    return lim->newest;
}

struct following {
    uint64_t generation;
    bool all;
};

static void look_who_follows(struct limiter *lim, void *arg)
{
    struct layout *lay = lim->file.lay;
    struct following *f = arg;
    uint32_t i;

    f->all = true;
    for (i = 0; i < lay->live.workers_high && i < LAY_WORKERS; i++)
        if (lay->workers[i].used && !lay->workers[i].stalled &&
            lay->workers[i].generation < f->generation)
            f->all = false;
}

bool limiter_all_follow(struct limiter *lim, uint64_t generation, int64_t now)
{
    struct following f = {generation, false};

    return turn_at_once(lim, now, look_who_follows, &f) && f.all;
}
