/*
 * view.c - who waits, who runs, and when does the next one go?
 *
 *   lock    copy scopes, rows, workers      a few microseconds
 *   unlock  sort: who goes first?
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
#include "state/policy/admit.h"
#include "state/policy/eligible.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/position.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/policy/virtual_time.h"
#include "state/policy/window.h"

struct job {
    struct layout *lay;
    struct limiter_view *out;
    int64_t now;
    bool busy;           /* somebody died while it wrote: not now */
    uint32_t *scope_ids; /* the layout's index of each scope in the view */
    uint32_t *scope_of;  /* and the other way round, from 1; 0: it is in none */
    uint64_t (*start)[LIMITER_CLASSES]; /* of the classes of each */
    int64_t *etas;                      /* by position */
    /* Of the view's models and clients: told of after the lock is gone. */
    struct tally_figures *of_models, *of_clients;
};

static int64_t since(const struct job *j, int64_t t)
{
    return t > 0 && t < j->now ? j->now - t : 0;
}

static void copy_name(char to[LIMITER_NAME_MAX], const char *from)
{
    size_t n = strnlen(from, LIMITER_NAME_MAX - 1);

    memcpy(to, from, n);
    to[n] = '\0';
}

/* Texts of the shared file may lack their zero. */
static void copy_reason(char to[LIMITER_REASON_MAX], const char *from)
{
    memcpy(to, from, LIMITER_REASON_MAX);
    to[LIMITER_REASON_MAX - 1] = '\0';
}

static void copy_retreat(struct job *j, struct view_retreat *v, uint32_t id)
{
    const struct retreat *re = scope_retreat(j->lay, id);

    v->state = (enum retreat_state)re->state;
    v->age_ns = since(j, re->since_ns);
    v->ends_ns = -1;
    v->streak = re->streak;
    v->allowance = admit_limit(j->lay, id);
    copy_reason(v->reason, re->reason);
    if (v->state == RETREAT_HOLDING && re->until_ns <= j->now)
        v->state = RETREAT_PROBING; /* as soon as somebody comes */
    else if (v->state == RETREAT_HOLDING || v->state == RETREAT_RECOVERING ||
             (v->state == RETREAT_PROBING && re->probe_id != 0))
        v->ends_ns = max_i64(re->until_ns - j->now, 0);
}

static void copy_bench(struct job *j, struct view_bench *v,
                       const struct ejection *b)
{
    v->ends_ns = -1;
    if (b->until_ns == 0)
        return;
    v->ends_ns = max_i64(b->until_ns - j->now, 0);
    v->streak = b->streak;
    v->status = ejection_status(b);
    copy_reason(v->reason, b->reason);
}

/* When each send of the window stops to count, soonest first. */
static void copy_opens(struct job *j, struct view_scope *v, uint32_t id)
{
    const struct limiter_rules *r = limits_of(j->lay, id);
    uint32_t n = scope_at(j->lay, id)->window.n, i;
    int64_t *out = &j->out->opens[j->out->n_opens];

    n = (uint32_t)min_i64(n, VIEW_OPENS);
    n = (uint32_t)min_i64(n, VIEW_OPENS_ALL - j->out->n_opens);
    window_copy(j->lay, id, 0, n, out);
    for (i = 0; i < n; i++)
        out[i] = max_i64(0, out[i] + r->window_ns + r->margin_ns - j->now);
    v->opens = j->out->n_opens;
    v->n_opens = n;
    j->out->n_opens += n;
}

static void copy_scope(struct job *j, uint32_t id)
{
    struct layout *lay = j->lay;
    struct lay_scope *s = scope_at(lay, id);
    const struct limiter_rules *r = limits_of(lay, id);
    struct view_scope *v = &j->out->scopes[j->out->n_scopes];
    int64_t when;
    uint32_t i;

    admit_refresh(lay, id, j->now);
    if (id < LAY_UPSTREAMS)
        memcpy(v->name, r->name, sizeof(r->name) - 1);
    else
        copy_name(v->name, lay->models[id - LAY_UPSTREAMS].text);
    v->upstream =
        id < LAY_UPSTREAMS ? id : lay->models[id - LAY_UPSTREAMS].owner;
    v->rules = *r;
    v->used = admit_used(lay, id, j->now);
    v->open = s->open;
    v->in_flight = s->in_flight;
    for (i = 0; i < LIMITER_CLASSES; i++) {
        v->waiting[i] = s->cls[i].n;
        j->start[j->out->n_scopes][i] = class_start(s, &s->cls[i]);
    }
    copy_opens(j, v, id);
    copy_retreat(j, &v->retreat, id);
    copy_bench(j, &v->unpaid, &model_state_debt(lay, v->upstream)->bench);
    v->tokens_milli = admit_tokens_milli(lay, id, j->now);
    (void)slot_source_of(lay, id)->have(lay, id, 1, j->now, &when);
    v->next_slot_ns = when == NEVER ? -1 : max_i64(0, when - j->now);
    when = admit_eta(lay, id, s->waiting, j->now);
    v->eta_ns = when == NEVER ? -1 : when - j->now;
    j->scope_ids[j->out->n_scopes++] = id;
    j->scope_of[id] = j->out->n_scopes;
}

static void copy_scopes(struct job *j)
{
    const struct layout *lay = j->lay;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i))
            copy_scope(j, i);
    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && limits_in_force(lay, lay->models[i].owner) &&
            lay->rules[lay->models[i].owner].per_model)
            copy_scope(j, LAY_UPSTREAMS + i);
}

/* May it not go now, even if a slot were open?  Then until when?  OWN_NTH of
 * its line go before it, its client's own limit left aside. */
static void copy_block(struct job *j, struct view_row *v, uint32_t i,
                       uint32_t own_nth)
{
    const struct lay_row *r = row_at(j->lay, i);
    bool model = eligible_is_model_blocked(j->lay, i);
    int64_t own = quota_eta(j->lay, r->client, own_nth, j->now);
    int64_t at = model ? model_state_free_at(j->lay, r->model, j->now) : j->now;

    v->blocked = model || own > j->now;
    at = max_i64(at, own);
    v->eta_ns = at == NEVER ? -1 : at - j->now;
}

/* NULL: there is no room for it. */
static struct view_row *copy_row(struct job *j, uint32_t i, uint32_t scope)
{
    struct layout *lay = j->lay;
    const struct lay_row *r = row_at(lay, i);
    struct view_row *v = &j->out->rows[j->out->n_rows];

    if (r->client >= LAY_CLIENTS || r->cls >= LIMITER_CLASSES)
        sigbus_damaged("row");
    if (j->out->n_rows >= LAY_ROWS)
        return NULL;
    v->id = r->id;
    memcpy(v->request_id, r->request_id, sizeof(v->request_id));
    v->request_id[sizeof(v->request_id) - 1] = '\0';
    copy_name(v->client, lay->clients[r->client].text);
    if (r->model < LAY_MODELS)
        copy_name(v->model, lay->models[r->model].text);
    v->scope = scope;
    v->cls = (enum limiter_class)r->cls;
    v->stream = (r->flags & ROW_STREAM) != 0;
    v->waiting = r->state != ROW_OPEN && r->state != ROW_SENT;
    if (r->state == ROW_ASIDE) {
        v->blocked = true;
        v->eta_ns = max_i64(0, row_aside_ns(r) - since(j, r->changed_ns));
    }
    v->pid = worker_at(lay, r->worker)->pid;
    v->age_ns = since(j, r->joined_ns);
    v->body_bytes = r->body_bytes;
    v->arrival = r->arrival;
    j->out->n_rows++;
    return v;
}

/* The lines, flow by flow: there the place of a row in its line is known. */
static void copy_waiting(struct job *j, uint32_t scope)
{
    struct lay_scope *s = scope_at(j->lay, j->scope_ids[scope]);
    uint32_t cls, flow, row, hops = 0;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        for (flow = s->cls[cls].flows; flow != NONE;
             flow = flow_at(j->lay, flow)->next) {
            uint32_t nth = 0, own_nth = 0;

            row = flow_at(j->lay, flow)->head;
            for (; row != NONE; row = row_at(j->lay, row)->next) {
                struct view_row *v = copy_row(j, row, scope);

                if (v != NULL)
                    copy_block(j, v, row, own_nth);
                if (v != NULL && !v->blocked)
                    v->key = position_key(j->lay, row, nth++);
                own_nth += !eligible_is_model_blocked(j->lay, row);
                if (++hops > LAY_ROWS)
                    sigbus_damaged("line");
            }
        }
    }
}

/* Those in no line. */
static void copy_running(struct job *j)
{
    uint32_t i, scope;

    for (i = 0; i < j->lay->live.rows_high && i < LAY_ROWS; i++) {
        if (j->lay->rows[i].state < ROW_OFFERED ||
            j->lay->rows[i].scope >= LAY_SCOPES)
            continue;
        scope = j->scope_of[j->lay->rows[i].scope];
        if (scope > 0)
            (void)copy_row(j, i, scope - 1);
    }
}

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
        v->age_ns = since(j, w->started_ns);
        v->seen_ns = since(j, w->seen_ns);
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
        copy_name(v->name, name->text);
        v->upstream = name->owner;
        v->in_flight = t->in_flight;
        v->waiting = t->waiting;
        v->ceiling = t->ceiling.limit;
        v->rest_ns = concurrency_rests(&t->ceiling, j->now)
                         ? t->ceiling.rest_ns - j->now
                         : -1;
        copy_bench(j, &v->bench, &t->bench);
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
        copy_name(v->name, name->text);
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
    j->out->paused_ns = c->paused_ns != 0 ? since(j, c->paused_ns) : -1;
    memcpy(j->out->paused_by, c->by, sizeof(c->by) - 1);
    j->out->paused_by[sizeof(c->by) - 1] = '\0';
}

/* Expired sends are dropped on the way, so this is a write like any other. */
static void first_pass(void *arg)
{
    struct job *j = arg;
    struct lay_live *l = &j->lay->live;
    uint32_t scope;

    j->busy = l->dirty != 0;
    if (j->busy)
        return;
    layout_begin_write(l);
    j->now = max_i64(j->now, l->now_ns);
    j->out->uptime_ns = since(j, l->service_start_ns);
    copy_pause(j);
    j->out->held_bytes = l->held_bytes;
    j->out->bounds = j->lay->bounds;
    j->out->counters = l->counters;
    copy_scopes(j);
    for (scope = 0; scope < j->out->n_scopes; scope++)
        copy_waiting(j, scope);
    copy_running(j);
    copy_workers(j);
    copy_models(j);
    copy_clients(j);
    copy_tally(j);
    j->out->builds = j->lay->board.builds;
    __atomic_store_n(&l->dirty, 0, __ATOMIC_SEQ_CST);
}

/* ---- the order in which they will go ------------------------------------- */

/* Waiting before running; by scope, whether it may go, class, virtual start,
 * arrival. */
static int compare_key(const void *pa, const void *pb)
{
    const struct view_row *a = pa, *b = pb;

    if (a->waiting != b->waiting)
        return a->waiting ? -1 : 1;
    if (a->scope != b->scope)
        return a->scope < b->scope ? -1 : 1;
    if (a->blocked != b->blocked)
        return a->blocked ? 1 : -1;
    if (a->cls != b->cls)
        return a->cls < b->cls ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static int compare_position(const void *pa, const void *pb)
{
    const struct view_row *a = pa, *b = pb;

    if (a->waiting != b->waiting)
        return a->waiting ? -1 : 1;
    if (a->waiting && a->position != b->position)
        return a->position < b->position ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

/* Merges the three classes of one scope, each in its order already. */
static void merge_classes(struct view_row *rows, uint32_t n,
                          const uint64_t start[LIMITER_CLASSES])
{
    uint32_t at[LIMITER_CLASSES], end[LIMITER_CLASSES], i, cls, position;
    uint64_t next[LIMITER_CLASSES];

    for (cls = 0, i = 0; cls < LIMITER_CLASSES; cls++) {
        at[cls] = i;
        while (i < n && rows[i].cls == cls)
            i++;
        end[cls] = i;
        next[cls] = start[cls];
    }
    for (position = 0; position < n; position++) {
        uint32_t best = LIMITER_CLASSES;

        for (cls = 0; cls < LIMITER_CLASSES; cls++) {
            if (at[cls] == end[cls])
                continue;
            if (best == LIMITER_CLASSES || next[cls] < next[best] ||
                (next[cls] == next[best] &&
                 rows[at[cls]].arrival < rows[at[best]].arrival))
                best = cls;
        }
        if (best == LIMITER_CLASSES)
            return; /* cannot be: N rows are in the three */
        rows[at[best]++].position = position;
        next[best] += class_step(best);
    }
}

/* Calls FN for each scope's waiting rows, which stand together. */
static void each_scope(struct job *j,
                       void (*fn)(struct job *j, uint32_t scope,
                                  struct view_row *rows, uint32_t n))
{
    struct limiter_view *v = j->out;
    uint32_t i = 0, first;

    while (i < v->n_rows && v->rows[i].waiting) {
        first = i;
        while (i < v->n_rows && v->rows[i].waiting &&
               v->rows[i].scope == v->rows[first].scope)
            i++;
        fn(j, v->rows[first].scope, &v->rows[first], i - first);
    }
}

/* Those that may not go come last: nobody can say when they may. */
static void set_positions(struct job *j, uint32_t scope, struct view_row *rows,
                          uint32_t n)
{
    uint32_t may = 0, i;

    while (may < n && !rows[may].blocked)
        may++;
    merge_classes(rows, may, j->start[scope]);
    for (i = may; i < n; i++)
        rows[i].position = i;
}

static void set_etas(struct job *j, uint32_t scope, struct view_row *rows,
                     uint32_t n)
{
    uint32_t i;

    admit_etas(j->lay, j->scope_ids[scope], NULL, n, j->now, j->etas);
    for (i = 0; i < n; i++) {
        int64_t eta = j->etas[rows[i].position];

        if (rows[i].blocked) /* it has to find a slot, too */
            eta = rows[i].eta_ns < 0
                      ? NEVER
                      : max_i64(j->etas[0], j->now + rows[i].eta_ns);
        rows[i].eta_ns = eta == NEVER ? -1 : eta - j->now;
    }
}

/* Reads only. */
static void second_pass(void *arg)
{
    struct job *j = arg;

    j->busy = j->lay->live.dirty != 0;
    if (!j->busy)
        each_scope(j, set_etas);
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

/* Room for all there can be: nothing is allocated under the lock, and pages
 * that are not used cost nothing. */
static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);

    CHECK(p != NULL);
    return p;
}

bool view_collect(int fd, struct layout *lay, int64_t now,
                  struct limiter_view *out, const char **what)
{
    struct job j = {.lay = lay, .out = out, .now = now};
    bool ok;

    *what = NULL;
    memset(out, 0, sizeof(*out));
    j.scope_ids = room(LAY_SCOPES, sizeof(*j.scope_ids));
    j.scope_of = room(LAY_SCOPES, sizeof(*j.scope_of));
    j.start = room(LAY_SCOPES, sizeof(*j.start));
    j.etas = room(LAY_ROWS, sizeof(*j.etas));
    out->rows = room(LAY_ROWS, sizeof(*out->rows));
    out->scopes = room(LAY_SCOPES, sizeof(*out->scopes));
    out->workers = room(LAY_WORKERS, sizeof(*out->workers));
    out->models = room(LAY_MODELS, sizeof(*out->models));
    out->clients = room(LAY_CLIENTS, sizeof(*out->clients));
    out->recent = room(LIMITER_RECENT, sizeof(*out->recent));
    out->opens = room(VIEW_OPENS_ALL, sizeof(*out->opens));
    j.of_models = room(LAY_MODELS, sizeof(*j.of_models));
    j.of_clients = room(LAY_CLIENTS, sizeof(*j.of_clients));
    ok = pass(fd, first_pass, &j, what);
    if (ok) {
        tell_figures(&j);
        qsort(out->rows, out->n_rows, sizeof(*out->rows), compare_key);
        each_scope(&j, set_positions);
        ok = pass(fd, second_pass, &j, what);
        qsort(out->rows, out->n_rows, sizeof(*out->rows), compare_position);
    }
    free(j.scope_ids);
    free(j.scope_of);
    free(j.start);
    free(j.etas);
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
