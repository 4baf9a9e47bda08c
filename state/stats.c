/*
 * totals.c - what have all workers together done, and how do the limits stand?
 *
 * One look under the lock: 30 KB are copied, rows are counted.  Names and
 * models are not looked at one by one, so that the cost of a scrape does not
 * depend on what clients invent.
 */
#include "state/stats.h"

#include <string.h>

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/scope.h"

struct look {
    struct layout *lay;
    struct limiter_tally *out;
    int64_t now;
    bool busy; /* somebody died while it wrote: not now */
};

/* What scope ID adds to its upstream's row. */
static void add_scope(struct look *k, uint32_t id, struct tally_upstream *u)
{
    const struct lay_scope *s = scope_at(k->lay, id);
    uint32_t i, state;

    admit_refresh(k->lay, id, k->now);
    u->in_flight += s->in_flight;
    u->window_used += admit_used(k->lay, id, k->now);
    u->window_limit += limits_of(k->lay, id)->requests;
    u->tokens_milli += admit_tokens_milli(k->lay, id, k->now);
    state = scope_retreat(k->lay, id)->state;
    if (state < RETREAT_STATES)
        u->states[state]++;
    for (i = 0; i < LIMITER_CLASSES; i++)
        k->out->waiting[i] += s->cls[i].n;
}

static void add_models(struct look *k, uint32_t upstream,
                       struct tally_upstream *u)
{
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++)
        if (k->lay->models[i].used && k->lay->models[i].owner == upstream)
            add_scope(k, LAY_UPSTREAMS + i, u);
}

/* They wait as well, though in no line. */
static void add_aside(struct look *k)
{
    uint32_t i;

    for (i = 0; i < k->lay->live.rows_high && i < LAY_ROWS; i++)
        if (k->lay->rows[i].state == ROW_ASIDE &&
            k->lay->rows[i].cls < LIMITER_CLASSES)
            k->out->waiting[k->lay->rows[i].cls]++;
}

static void add_upstreams(struct look *k)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++) {
        const struct limiter_rules *r = &k->lay->rules[i];
        struct tally_upstream *u = &k->out->upstreams[k->out->n_upstreams];

        if (!limits_in_force(k->lay, i))
            continue;
        memcpy(u->name, r->name, sizeof(u->name) - 1);
        u->unpaid = model_state_debt(k->lay, i)->ejection.until_ns != 0;
        if (r->per_model)
            add_models(k, i, u);
        else
            add_scope(k, i, u);
        k->out->n_upstreams++;
    }
}

/* Expired sends are dropped on the way, so this is a write like any other. */
static void look(void *arg)
{
    struct look *k = arg;
    struct lay_live *l = &k->lay->live;
    uint32_t i;

    k->busy = l->dirty != 0;
    if (k->busy)
        return;
    layout_begin_write(l);
    k->now = max_i64(k->now, l->now_ns);
    memcpy(&k->out->sums, &k->lay->tally.sums, sizeof(k->out->sums));
    k->out->counters = l->counters;
    if (l->service_start_ns > 0 && l->service_start_ns < k->now)
        k->out->uptime_ns = k->now - l->service_start_ns;
    k->out->waiting_max = k->lay->bounds.waiting;
    k->out->paused = k->lay->control.paused_ns != 0;
    add_upstreams(k);
    add_aside(k);
    for (i = 0; i < LAY_WORKERS; i++)
        k->out->n_workers += k->lay->workers[i].used != 0;
    __atomic_store_n(&l->dirty, 0, __ATOMIC_SEQ_CST);
}

bool sums_collect(int fd, struct layout *lay, int64_t now,
                  struct limiter_tally *out, const char **what)
{
    struct look k = {lay, out, now, false};
    enum sigbus_result how;

    *what = NULL;
    memset(out, 0, sizeof(*out));
    if (fd != -1 && !file_lock_take(fd))
        return false;
    how = sigbus_run(look, &k, what);
    if (fd != -1)
        file_lock_drop(fd);
    counters_check(&out->sums);
    return how == GUARD_OK && !k.busy;
}
