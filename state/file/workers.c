/*
 * workers.c - who is here, and what becomes of a dead worker's requests?
 *
 * A worker lives as long as somebody holds its byte lock; a pid proves
 * nothing, for it may have been used again.  A dead worker's waiters and
 * in-flight counts vanish with it; its open sends may have reached the wire
 * at any time until now, so now is what the log says.  Whoever repeats one of
 * them goes to the head of its line (retry_priority.c).
 */
#include "state/file/workers.h"

#include <string.h>
#include <unistd.h>

#include "lib/file_lock.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/retry_priority.h"
#include "state/policy/row.h"

static void set_stalled(struct layout *lay, uint32_t i, uint32_t stalled)
{
    struct lay_worker *w = worker_at(lay, i);

    if (w->stalled == stalled)
        return;
    w->stalled = stalled;
    lay->live.stalled += stalled ? 1 : UINT32_MAX;
}

uint32_t workers_claim(struct layout *lay, int fd, uint64_t address,
                       int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_WORKERS; i++) {
        struct lay_worker *w = &lay->workers[i];

        if (w->used || !file_lock_claim_seat(fd, i))
            continue;
        w->pid = (uint32_t)getpid();
        w->address = address;
        w->started_ns = w->seen_ns = now;
        w->stalled = w->offers = 0;
        w->generation = 0;
        w->upstreams = 0;
        __atomic_store_n(&w->used, 1, __ATOMIC_RELEASE);
        if (i >= lay->live.workers_high)
            lay->live.workers_high = i + 1;
        return i;
    }
    return NONE;
}

void workers_seen(struct layout *lay, uint32_t self, int64_t now)
{
    worker_at(lay, self)->seen_ns = now;
    set_stalled(lay, self, 0);
}

void workers_stall(struct layout *lay, uint32_t worker)
{
    set_stalled(lay, worker, 1);
}

static_assert(sizeof(((struct workers_lost *)0)->rows) ==
                  LAY_ROWS * sizeof(struct worker_lost),
              "room for each row");

/* Row I, which was in STATE a moment ago, is told of before it is gone. */
static void note_lost(struct layout *lay, uint32_t i, uint32_t state,
                      int64_t now, struct workers_lost *lost)
{
    const struct lay_row *r = row_at(lay, i);
    struct worker_lost *l;

    if (lost == NULL || lost->n == LAY_ROWS)
        return;
    l = &lost->rows[lost->n++];
    *l = (struct worker_lost){
        .client = r->client,
        .model = r->model,
        .owner = NONE,
        .cls = r->cls < LIMITER_CLASSES ? r->cls : (uint32_t)CLASS_LOW,
        .stream = (r->flags & ROW_STREAM) != 0,
        .sent = r->state == ROW_SENT,
        .sent_now = r->state == ROW_SENT && state == ROW_OPEN,
        .total_ns = max_i64(now - r->joined_ns, 0),
    };
    l->upstream = limits_upstream(lay, r->scope);
    if (l->upstream < LAY_UPSTREAMS)
        memcpy(l->upstream_name, lay->rules[l->upstream].name,
               sizeof(l->upstream_name) - 1);
    memcpy(l->id, r->request_id, sizeof(l->id) - 1);
    if (r->client < LAY_CLIENTS)
        memcpy(l->client_name, lay->clients[r->client].text,
               sizeof(l->client_name) - 1);
    if (r->model >= LAY_MODELS)
        return;
    l->owner = lay->models[r->model].owner;
    memcpy(l->model_name, lay->models[r->model].text,
           sizeof(l->model_name) - 1);
}

static void note_left(uint32_t self, struct workers_lost *lost)
{
    if (lost == NULL)
        return;
    lost->left[self / 64] |= UINT64_C(1) << self % 64;
    lost->any_left = true;
}

void workers_leave(struct layout *lay, int fd, uint32_t self, int64_t now,
                   struct workers_lost *lost)
{
    uint32_t i, high = lay->live.rows_high;
    bool clean = true;

    if (high > LAY_ROWS)
        sigbus_damaged("rows_high");
    for (i = 0; i < high; i++) {
        uint32_t state = lay->rows[i].state;

        if (state == ROW_FREE || lay->rows[i].worker != self)
            continue;
        if (!row_sent(lay, i, now)) { /* it may have been, until just now */
            clean = false;
            continue;
        }
        retry_priority_note(lay, lay->rows[i].fingerprint, now);
        note_lost(lay, i, state, now, lost);
        row_leave(lay, i);
    }
    if (!clean)
        return; /* the log was full: the next sweep ends the rest */
    set_stalled(lay, self, 0);
    reachability_leave(&lay->probe, self);
    note_left(self, lost);
    __atomic_store_n(&worker_at(lay, self)->used, 0, __ATOMIC_RELEASE);
    file_lock_leave_seat(fd, self);
    while (lay->live.workers_high > 0 &&
           !worker_at(lay, lay->live.workers_high - 1)->used)
        lay->live.workers_high--;
}

bool workers_is_mine(struct layout *lay, uint32_t self, uint64_t address)
{
    const struct lay_worker *w = worker_at(lay, self);

    return w->used && w->address == address;
}

bool workers_is_alone(const struct layout *lay, uint32_t self)
{
    uint32_t i;

    for (i = 0; i < lay->live.workers_high && i < LAY_WORKERS; i++)
        if (lay->workers[i].used && i != self)
            return false;
    return true;
}

void workers_sweep(struct layout *lay, int fd, uint32_t self, int64_t now,
                   struct workers_gone *gone)
{
    uint32_t i, high = lay->live.workers_high;

    if (high > LAY_WORKERS)
        sigbus_damaged("workers_high");
    for (i = 0; i < high && gone->n < ROSTER_GONE_MAX; i++) {
        struct lay_worker *w = &lay->workers[i];

        if (!w->used || i == self || file_lock_seat_is_held(fd, i))
            continue;
        gone->address[gone->n++] = w->address;
        workers_leave(lay, fd, i, now, gone->lost);
    }
    lay->live.swept_ns = i < high ? 0 : now;
}
