/*
 * readiness.c - does any upstream answer, and could a new request go soon?
 *
 *   fcgi/pages/ready.c --> limiter_ready()    known, or the lease to ask
 *                --> limiter_probed()   the answer, for all workers
 *
 * Both look at the file for a moment (section.c).
 * A worker that is killed while it asks is found out by its byte lock, one
 * that is stopped by the end of its lease.
 */
#include "state/readiness.h"

#include <string.h>

#include "lib/file_lock.h"
#include "state/policy/admit.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/model_state.h"
#include "state/policy/wants.h"
#include "state/section.h"
#include "state/upstream_map.h"
#include "state/worker.h"

/* ---- under the lock ------------------------------------------------------ */

struct question {
    struct limiter *lim;
    int64_t now;
    const struct limiter_probe_times *times;
    struct limiter_ready *out; /* NULL: WORD is the answer */
    struct reachability_word word;
    int64_t of_line[LAY_UPSTREAMS]; /* when a new one of it goes; 0: unasked */
};

/* Needs the lock.  Where upstreams share a line: wherever it goes, the same for
 * each. */
static int64_t eta_of_next(struct question *q, uint32_t upstream)
{
    struct layout *lay = q->lim->file.lay;
    uint32_t line = wants_line(lay, upstream);

    if (line == NONE) {
        uint32_t waiting = scope_at(lay, upstream)->waiting;

        return max_i64(admit_eta(lay, upstream, waiting, q->now),
                       lent_eta(lay, upstream, waiting, q->now));
    }
    if (q->of_line[line] == 0)
        q->of_line[line] = line_eta_nth(&q->lim->line_eta, lay, line,
                                        scope_at(lay, line)->waiting, q->now);
    return q->of_line[line];
}

/* Needs the lock. */
static void look_at_upstream(struct question *q, uint32_t i,
                             struct limiter_ready_upstream *u)
{
    struct layout *lay = q->lim->file.lay;
    int64_t now = q->now, eta;

    admit_refresh(lay, i, now);
    eta = eta_of_next(q, i);
    u->eta_ns = eta == NEVER ? -1 : eta - now;
    u->tokens_milli = admit_tokens_milli(lay, i, now);
    u->burst_milli = (int64_t)limits_of(lay, i)->burst * 1000;
    u->key = (enum key_word)lay->own_keys[i].word;
    u->key_status = lay->own_keys[i].status;
    u->held = !model_state_paid(lay, i, now, &eta);
    u->cause = ejection_cause(&model_state_debt(lay, i)->ejection);
}

static enum ready_store store_of(const struct layout *lay)
{
    switch (lay->store.state) {
    case STORE_UP:
        return READY_STORE_UP;
    case STORE_LOST:
        return READY_STORE_LOST;
    case STORE_ALONE:
        return lay->store.part != 0 ? READY_STORE_UP : READY_STORE_LOST;
    default:
        return READY_NO_STORE;
    }
}

/* Needs the lock. */
static void look(struct question *q)
{
    struct limiter *lim = q->lim;
    struct layout *lay = lim->file.lay;
    uint32_t i, owner = reachability_owner(&lay->probe);
    bool lives = owner != NONE && owner != lim->seat &&
                 file_lock_seat_is_held(lim->file.fd, owner);

    q->out->probe =
        reachability_ask(&lay->probe, lim->seat, lives, q->times, q->now);
    q->out->reachable = reachability_is_reachable(&lay->probe);
    q->out->status = (uint16_t)lay->probe.status;
    memcpy(q->out->why, lay->probe.why, sizeof(q->out->why) - 1);
    q->out->store = store_of(lay);
    q->out->waiting = lay->live.waiting;
    q->out->waiting_max = lay->bounds.waiting;
    q->out->n_upstreams = lim->set.n_upstreams;
    for (i = 0; i < lim->set.n_upstreams; i++)
        look_at_upstream(q, upstream_map_of(lim, i), &q->out->upstreams[i]);
}

/* Needs the lock.  Expired sends are dropped: a write like any other. */
static void locked(void *arg)
{
    struct question *q = arg;
    struct layout *lay = q->lim->file.lay;

    q->now = max_i64(q->now, lay->live.now_ns);
    if (q->out != NULL)
        look(q);
    else
        reachability_answer(&lay->probe, q->lim->seat, &q->word, q->now);
}

bool limiter_ready(struct limiter *lim, const struct limiter_probe_times *times,
                   int64_t now, struct limiter_ready *out)
{
    struct question q = {.lim = lim, .now = now, .times = times, .out = out};

    memset(out, 0, sizeof(*out));
    return section_write(lim, locked, &q);
}

bool limiter_probed(struct limiter *lim, bool reachable, uint16_t status,
                    const char *why, int64_t now)
{
    struct question q = {
        .lim = lim, .now = now, .word = {reachable, status, why}};

    return section_write(lim, locked, &q);
}
