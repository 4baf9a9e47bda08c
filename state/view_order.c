/*
 * view_order.c - in which order will those that wait go, and when?
 *
 *   told without the lock   who goes before whom: a sort and a merge
 *   asked under it again    when the slot of each position opens
 */
#include "state/view_queue.h"

#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/model_eta.h"
#include "state/policy/virtual_time.h"
#include "state/view_cause.h"

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
static void each_scope(struct view_queue *q,
                       void (*fn)(struct view_queue *q, uint32_t scope,
                                  struct view_row *rows, uint32_t n))
{
    struct limiter_view *v = q->out;
    uint32_t i = 0, first;

    while (i < v->n_rows && v->rows[i].waiting) {
        first = i;
        while (i < v->n_rows && v->rows[i].waiting &&
               v->rows[i].scope == v->rows[first].scope)
            i++;
        fn(q, v->rows[first].scope, &v->rows[first], i - first);
    }
}

/* Is it the line of several? */
static bool is_shared(const struct view_queue *q, uint32_t scope)
{
    return q->out->scopes[scope].line == q->scope_ids[scope];
}

/* What waits there and is not in line: a slot is offered to it, or it pauses. */
static void place_others(struct view_row *rows, uint32_t n)
{
    uint32_t in_line = 0, i;

    for (i = 0; i < n; i++)
        in_line += rows[i].foretold;
    for (i = 0; i < n; i++)
        if (!rows[i].foretold)
            rows[i].position = rows[i].blocked ? in_line : 0;
}

/* Those that may not go come last: nobody can say when they may. */
static void set_positions(struct view_queue *q, uint32_t scope,
                          struct view_row *rows, uint32_t n)
{
    uint32_t may = 0, i;

    if (is_shared(q, scope)) {
        place_others(rows, n);
        return;
    }
    while (may < n && !rows[may].blocked)
        may++;
    merge_classes(rows, may, q->start[scope]);
    for (i = may; i < n; i++)
        rows[i].position = i;
}

/* Which of its model is each?  Those with a slot come first. */
static void count_models(struct view_queue *q, struct view_row *rows,
                         uint32_t n)
{
    uint32_t seen[LAY_MODELS] = {0}, i, pass;

    for (i = 0; i < n; i++)
        q->rows[rows[i].position] = i;
    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < n; i++) {
            struct view_row *v = &rows[q->rows[i]];

            if (v->kept == (pass == 0) && v->model_row < LAY_MODELS)
                v->model_nth = seen[v->model_row]++;
        }
    }
}

/* It has to find a slot, too, unless one is kept for it.  Of a model that is full
 * nobody knows when one of its requests ends, but how long they take (model_eta()):
 * its ticket is told the same (ticket_events.c). */
static int64_t slot_eta(struct view_queue *q, uint32_t scope,
                        const struct view_row *v)
{
    int64_t eta = q->etas[v->position];

    if (v->kept)
        eta = q->now;
    else if (v->blocked)
        eta = max_i64(q->etas[0], q->now + max_i64(v->eta_ns, 0));
    eta = max_i64(eta, model_eta(q->lay, v->model_row, v->model_nth, q->now));
    return max_i64(eta,
                   lent_eta(q->lay, q->scope_ids[scope], v->position, q->now));
}

/* What its client's own limit makes of the slots that those before it find. */
static int64_t settled_eta(struct view_queue *q, struct view_row *v)
{
    int64_t eta = q->slot_etas[v->row], first, own;

    if (v->first == NONE || v->after_first_ns == 0)
        return eta;
    first = q->slot_etas[v->first];
    if (first == NEVER)
        return eta;
    own = first + v->after_first_ns - q->now;
    v->own_ns = max_i64(v->own_ns, own);
    return max_i64(eta, q->now + own);
}

static void set_etas(struct view_queue *q, uint32_t scope,
                     struct view_row *rows, uint32_t n)
{
    uint32_t i;

    if (is_shared(q, scope))
        return;
    for (i = 0; i < n; i++)
        q->takes[rows[i].position] =
            (struct take){rows[i].weight, rows[i].tokens};
    admit_etas(q->lay, q->scope_ids[scope], q->takes, n, q->now, q->etas);
    count_models(q, rows, n);
    for (i = 0; i < n; i++)
        q->slot_etas[rows[i].row] = slot_eta(q, scope, &rows[i]);
    for (i = 0; i < n; i++) {
        struct view_row *v = &rows[i];
        int64_t eta = settled_eta(q, v);

        view_cause_settle(
            q, v, q->etas[v->blocked ? 0 : v->position],
            model_eta(q->lay, v->model_row, v->model_nth, q->now));
        v->eta_ns = eta == NEVER ? -1 : eta - q->now;
    }
}

void view_queue_order(struct view_queue *q)
{
    qsort(q->out->rows, q->out->n_rows, sizeof(*q->out->rows), compare_key);
    each_scope(q, set_positions);
}

void view_queue_foretell(struct view_queue *q)
{
    each_scope(q, set_etas);
}

void view_queue_sort(struct view_queue *q)
{
    qsort(q->out->rows, q->out->n_rows, sizeof(*q->out->rows),
          compare_position);
}
