/*
 * view.c - what does the shared state look like to people?
 *
 *   lock    copy scopes, rows, workers      a few microseconds
 *   unlock  sort: who goes first?           view_queue.c
 *   lock    ask the windows for each ETA
 *   unlock
 *
 * Between the two the queue may move on; a view is a moment blurred by some
 * microseconds, never a torn row.
 */
#include "state/view.h"

#include <string.h>

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/view_copy.h"
#include "state/view_queue.h"

struct job {
    struct layout *lay;
    struct limiter_view *out;
    int64_t now;
    bool busy; /* somebody died while it wrote: not now */
    struct view_queue queue;
    /* Of the view's models and clients: told of after the lock is gone. */
    struct tally_figures *of_models, *of_clients;
};

static void copy_workers(struct job *j)
{
    uint32_t i;

    for (i = 0; i < LAY_WORKERS; i++) {
        const struct lay_worker *w = &j->lay->workers[i];
        struct view_worker *v = &j->out->workers[j->out->n_workers];

        if (!w->used)
            continue;
        v->pid = w->pid;
        v->stalled = w->stalled != 0;
        v->age_ns = view_since(j->now, w->started_ns);
        v->seen_ns = view_since(j->now, w->seen_ns);
        j->out->viewers += j->lay->board.viewers[i];
        j->out->n_workers++;
    }
}

static void copy_models(struct job *j)
{
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++) {
        const struct lay_name *name = &j->lay->models[i];
        const struct lay_model_state *t = model_state_at(j->lay, i);
        struct view_model *v = &j->out->models[j->out->n_models];

        if (!name->used || name->owner >= LAY_UPSTREAMS)
            continue;
        view_name(v->name, name->text);
        v->upstream = name->owner;
        v->in_flight = t->in_flight;
        v->waiting = t->waiting;
        v->ceiling = t->concurrency.limit;
        v->rest_ns = concurrency_rests(&t->concurrency, j->now)
                         ? t->concurrency.rest_ns - j->now
                         : -1;
        view_bench(&v->bench, j->now, &t->ejection);
        j->of_models[j->out->n_models++] = j->lay->tally.models[i];
    }
}

static void copy_clients(struct job *j)
{
    uint32_t i;

    for (i = 0; i < LAY_CLIENTS; i++) {
        const struct lay_name *name = &j->lay->clients[i];
        struct view_client *v = &j->out->clients[j->out->n_clients];

        if (!name->used)
            continue;
        view_name(v->name, name->text);
        v->waiting = name->lined;
        v->in_flight = name->refs > name->lined ? name->refs - name->lined : 0;
        v->requests_per_min = j->lay->quotas[i].per_min;
        v->used_per_min = quota_used(j->lay, i, j->now);
        j->of_clients[j->out->n_clients++] = j->lay->tally.clients[i];
    }
}

static void copy_tally(struct job *j)
{
    const struct lay_tally *t = &j->lay->tally;
    struct limiter_view *v = j->out;
    uint32_t i;

    for (i = 0; i < LIMITER_RECENT; i++)
        if (counters_recent(t, i, &v->recent[v->n_recent]))
            v->n_recent++;
    memcpy(v->outcomes, t->sums.outcomes, sizeof(v->outcomes));
    v->requests = t->sums.requests;
    v->queue_ns = counters_ns(t->sums.queue_us);
    v->first_byte_ns = counters_ns(t->sums.first_byte_us);
    v->generation_ns = counters_ns(t->sums.generation_us);
}

static void tell_figures(struct job *j)
{
    uint32_t i;

    for (i = 0; i < j->out->n_models; i++)
        counters_tell(&j->of_models[i], &j->out->models[i].figures);
    for (i = 0; i < j->out->n_clients; i++)
        counters_tell(&j->of_clients[i], &j->out->clients[i].figures);
}

static void copy_pause(struct job *j)
{
    const struct lay_control *c = &j->lay->control;

    if (!control_is_sane(c, j->now))
        sigbus_damaged("control");
    j->out->paused_ns =
        c->paused_ns != 0 ? view_since(j->now, c->paused_ns) : -1;
    memcpy(j->out->paused_by, c->by, sizeof(c->by) - 1);
    j->out->paused_by[sizeof(c->by) - 1] = '\0';
}

/* Expired sends are dropped on the way, so this is a write like any other. */
static void first_pass(void *arg)
{
    struct job *j = arg;
    struct lay_live *l = &j->lay->live;

    j->busy = l->dirty != 0;
    if (j->busy)
        return;
    layout_begin_write(l);
    j->now = max_i64(j->now, l->now_ns);
    j->out->uptime_ns = view_since(j->now, l->service_start_ns);
    copy_pause(j);
    j->out->held_bytes = l->held_bytes;
    j->out->bounds = j->lay->bounds;
    j->out->counters = l->counters;
    view_queue_copy(&j->queue, j->lay, j->now);
    copy_workers(j);
    copy_models(j);
    copy_clients(j);
    copy_tally(j);
    j->out->builds = j->lay->board.builds;
    __atomic_store_n(&l->dirty, 0, __ATOMIC_SEQ_CST);
}

/* Reads only. */
static void second_pass(void *arg)
{
    struct job *j = arg;

    j->busy = j->lay->live.dirty != 0;
    if (!j->busy)
        view_queue_foretell(&j->queue);
}

/* ---- both passes ----------------------------------------------------------- */

static bool pass(int fd, void (*fn)(void *), struct job *j, const char **what)
{
    enum sigbus_result how;

    if (fd != -1 && !file_lock_take(fd))
        return false;
    how = sigbus_run(fn, j, what);
    if (fd != -1)
        file_lock_drop(fd);
    return how == GUARD_OK && !j->busy;
}

bool view_collect(int fd, struct layout *lay, int64_t now,
                  struct limiter_view *out, const char **what)
{
    struct job j = {.lay = lay, .out = out, .now = now};
    bool ok;

    *what = NULL;
    memset(out, 0, sizeof(*out));
    view_queue_init(&j.queue, out);
    out->workers = view_room(LAY_WORKERS, sizeof(*out->workers));
    out->models = view_room(LAY_MODELS, sizeof(*out->models));
    out->clients = view_room(LAY_CLIENTS, sizeof(*out->clients));
    out->recent = view_room(LIMITER_RECENT, sizeof(*out->recent));
    j.of_models = view_room(LAY_MODELS, sizeof(*j.of_models));
    j.of_clients = view_room(LAY_CLIENTS, sizeof(*j.of_clients));
    ok = pass(fd, first_pass, &j, what);
    if (ok) {
        tell_figures(&j);
        view_queue_order(&j.queue);
        ok = pass(fd, second_pass, &j, what);
        view_queue_sort(&j.queue);
    }
    view_queue_fini(&j.queue);
    free(j.of_models);
    free(j.of_clients);
    if (!ok)
        view_free(out);
    return ok;
}

void view_free(struct limiter_view *view)
{
    free(view->rows);
    free(view->scopes);
    free(view->workers);
    free(view->models);
    free(view->clients);
    free(view->recent);
    free(view->opens);
    memset(view, 0, sizeof(*view));
}
