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

#include "lib/sigbus.h"
#include "state/file/transaction.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/view_copy.h"
#include "state/view_queue.h"
#include "state/view_stats.h"

struct job {
    const struct view_source *from;
    struct layout *lay;
    struct limiter_view *out;
    int64_t now;
    struct view_queue queue;
    struct view_stats stats;
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
        j->stats.workers[j->out->n_workers++] = i;
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
        v->retreat.ends_ns = -1;
        if (model_limit_learns(j->lay, i)) {
            view_retreat_copy(j->lay, LAY_UPSTREAMS + i, j->now, &v->retreat);
            view_learned_copy(j->lay, LAY_UPSTREAMS + i, j->now, &v->learned);
        }
        j->stats.models[j->out->n_models++] = i;
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
        v->tokens_per_min = j->lay->quotas[i].tokens_per_min;
        v->tokens_used = quota_tokens_used(j->lay, i, j->now);
        v->tokens_per_day = j->lay->quotas[i].tokens_per_day;
        v->tokens_used_day = quota_day_used(j->lay, i, j->now);
        j->stats.clients[j->out->n_clients++] = i;
    }
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

    j->now = max_i64(j->now, l->now_ns);
    j->out->uptime_ns = view_since(j->now, l->service_start_ns);
    copy_pause(j);
    view_store_copy(j->lay, j->now, &j->out->store);
    j->out->held_bytes = l->held_bytes;
    limits_tell_bounds(&j->lay->bounds, &j->out->bounds);
    view_queue_copy(&j->queue, j->lay, j->now);
    copy_workers(j);
    copy_models(j);
    copy_clients(j);
}

static void copy_stats(void *arg)
{
    struct job *j = arg;

    view_stats_copy(&j->stats, j->from->stats, j->out, j->now);
}

/* With the lock, or of a copy. */
static void stats_pass(void *arg)
{
    struct job *j = arg;

    if (j->from->also != NULL)
        (void)j->from->also(j->from->lim, copy_stats, j);
    else if (j->from->stats != NULL)
        copy_stats(j);
}

/* Reads only. */
static void second_pass(void *arg)
{
    struct job *j = arg;

    view_queue_foretell(&j->queue);
}

/* ---- both passes ----------------------------------------------------------- */

static bool first(struct job *j, const char **what)
{
    const struct transaction t = {.fd = j->from->fd,
                                  .lay = j->lay,
                                  .fn = first_pass,
                                  .also = stats_pass,
                                  .arg = j};

    return state_write(&t, what) == STATE_DONE;
}

static bool second(struct job *j, const char **what)
{
    const struct transaction t = {
        .fd = j->from->fd, .lay = j->lay, .fn = second_pass, .arg = j};

    return state_read(&t, what) == STATE_DONE;
}

static void begin(struct job *j)
{
    struct limiter_view *out = j->out;

    memset(out, 0, sizeof(*out));
    view_queue_init(&j->queue, out);
    view_stats_init(&j->stats);
    out->workers = view_room(LAY_WORKERS, sizeof(*out->workers));
    out->models = view_room(LAY_MODELS, sizeof(*out->models));
    out->clients = view_room(LAY_CLIENTS, sizeof(*out->clients));
    out->recent = view_room(LIMITER_RECENT, sizeof(*out->recent));
}

static void end(struct job *j)
{
    view_queue_fini(&j->queue);
    view_stats_fini(&j->stats);
}

bool view_collect(const struct view_source *from, int64_t now,
                  struct limiter_view *out, const char **what)
{
    struct job j = {.from = from, .lay = from->lay, .out = out, .now = now};
    bool ok;

    *what = NULL;
    begin(&j);
    ok = first(&j, what);
    if (ok) {
        view_stats_tell(&j.stats, out);
        view_queue_order(&j.queue);
        ok = second(&j, what);
        view_queue_sort(&j.queue);
    }
    end(&j);
    if (!ok)
        view_free(out);
    return ok;
}

void view_of_stats(const struct stats_layout *stats, struct limiter_view *out)
{
    struct job j = {.out = out};

    begin(&j);
    out->paused_ns = -1;
    view_stats_copy(&j.stats, stats, out, 0);
    end(&j);
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
