/*
 * view_cause.c - why does each that waits do so, and how many for the same?
 *
 *   view_queue.c --> view_cause_copy()     what stops its upstream, its model
 *                                          or its client, just now
 *                --> view_cause_settle()   which of them is the last to give way
 *                                          for one that far behind
 *   snapshot.c, view_verdict.c --> view_causes()   all of them together
 *
 * The third of a model that has three workers waits for the window, the fourth
 * for the model, though both stand in one line: so the place in line counts.
 */
#include "state/view_cause.h"

#include <stdlib.h>
#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/row.h"
#include "state/policy/wants.h"

/* Of SCOPE, which is asked once for all that wait there. */
static struct wait_why of_scope(struct view_queue *q, uint32_t scope)
{
    struct wait_why *why = &q->whys[scope];

    if (q->why_known[scope] == 0) {
        *why = wait_cause_of_scope(q->lay, scope, q->now);
        q->why_known[scope] = 1;
    }
    return *why;
}

/* Where a slot is there and its model takes it: the later of the two. */
static struct wait_why of_place(struct view_queue *q, uint32_t scope,
                                uint32_t model)
{
    struct wait_why slot = of_scope(q, scope);
    struct wait_why taken = wait_cause_of_model(q->lay, model, q->now);

    if (slot.at > q->now && wait_cause_stops_all(slot.cause))
        return slot;
    return taken.at > q->now ? taken : slot;
}

/* Of several places the one that gives way first decides.  Where another stops for
 * the same, it is that of the whole line, by the upstream that this is named by:
 * else those in one line would be told apart by a moment. */
static void copy_places(struct view_queue *q, struct view_row *v, uint32_t i)
{
    struct wait_why best = {WAITS_WINDOW, NEVER};
    uint32_t k, places[WAIT_CAUSES] = {0}, upstream = NONE;

    for (k = 0; k < want_at(q->lay, i)->n; k++) {
        struct wants_place p = wants_place(q->lay, i, k);
        struct wait_why why;

        if (p.scope == NONE)
            continue;
        why = of_place(q, p.scope, p.model);
        places[why.cause]++;
        if (upstream != NONE && why.at >= best.at)
            continue;
        best = why;
        upstream = p.upstream;
    }
    v->cause = best.cause;
    if (places[best.cause] == 1)
        v->cause_upstream = upstream;
}

void view_cause_copy(struct view_queue *q, struct view_row *v, uint32_t i,
                     int64_t own)
{
    const struct lay_row *r = row_at(q->lay, i);

    v->cause_upstream = limits_upstream(q->lay, r->scope);
    v->own_ns = own > q->now ? own - q->now : 0;
    v->client_row = r->client;
    if (r->state == ROW_ASIDE)
        v->cause = WAITS_RETRY;
    else if (worker_at(q->lay, r->worker)->stalled)
        v->cause = WAITS_STATE;
    else if (wants_has(q->lay, i))
        copy_places(q, v, i);
    else
        v->cause = of_place(q, r->scope, r->model).cause;
    /* In a shared line what was foretold says whether it is the later. */
    if (v->foretold && v->own_ns > 0 && v->own_ns >= v->eta_ns &&
        !wait_cause_stops_all(v->cause))
        v->cause = WAITS_CLIENT;
}

void view_cause_settle(struct view_queue *q, struct view_row *v, int64_t slot,
                       int64_t model)
{
    int64_t own = q->now + v->own_ns;

    if (wait_cause_stops_all(v->cause) || v->cause == WAITS_RETRY)
        return;
    if (own > q->now && own >= slot && own >= model)
        v->cause = WAITS_CLIENT;
    else if (model > q->now && model >= slot)
        v->cause = WAITS_MODEL;
    else if (v->cause == WAITS_MODEL && !v->kept && !v->blocked)
        v->cause = of_scope(q, q->scope_ids[v->scope]).cause;
}

/* ---- all of them ------------------------------------------------------------ */

static bool is_for_all(enum wait_cause cause)
{
    return cause == WAITS_PAUSED || cause == WAITS_STATE ||
           cause == WAITS_RETRY || cause == WAITS_CLIENT;
}

static struct view_group group_of(const struct view_row *r)
{
    return (struct view_group){
        .cause = r->cause,
        .upstream = is_for_all(r->cause) ? NONE : r->cause_upstream,
        .model = r->cause == WAITS_MODEL ? r->model : NULL,
        .model_row = r->cause == WAITS_MODEL ? r->model_row : NONE,
        .client = r->cause == WAITS_CLIENT ? r->client : NULL,
        .client_row = r->cause == WAITS_CLIENT ? r->client_row : NONE,
        .next_ns = -1,
    };
}

static bool is_same(const struct view_group *a, const struct view_group *b)
{
    return a->cause == b->cause && a->upstream == b->upstream &&
           a->model_row == b->model_row && a->client_row == b->client_row;
}

static void add(struct view_group *g, int64_t eta_ns)
{
    bool first = g->waiting++ == 0;

    if (eta_ns >= 0 && (g->next_ns < 0 || eta_ns < g->next_ns))
        g->next_ns = eta_ns;
    if (eta_ns < 0 || (!first && g->last_ns < 0))
        g->last_ns = -1; /* of one of them nobody can say */
    else
        g->last_ns = max_i64(g->last_ns, eta_ns);
}

static int by_number(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* Most first; of equal ones always in the same order, or a page would flicker. */
static int compare(const void *pa, const void *pb)
{
    const struct view_group *a = pa, *b = pb;
    int order = by_number(b->waiting, a->waiting);

    if (order == 0)
        order = by_number(a->cause, b->cause);
    if (order == 0)
        order = by_number(a->upstream, b->upstream);
    if (order == 0)
        order = by_number(a->model_row, b->model_row);
    return order != 0 ? order : by_number(a->client_row, b->client_row);
}

uint32_t view_causes(const struct limiter_view *v, struct view_group *out,
                     uint32_t max)
{
    uint32_t i, k, n = 0;

    for (i = 0; i < v->n_rows; i++) {
        struct view_group g;

        if (!v->rows[i].waiting)
            continue;
        g = group_of(&v->rows[i]);
        for (k = 0; k < n && !is_same(&out[k], &g); k++)
            ;
        if (k == max)
            continue; /* more causes than a page has room for */
        if (k == n)
            out[n++] = g;
        add(&out[k], v->rows[i].eta_ns);
    }
    qsort(out, n, sizeof(*out), compare);
    return n;
}
