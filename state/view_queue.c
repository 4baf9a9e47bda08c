/*
 * view_queue.c - who waits and who runs?
 *
 * The scopes, and all rows, lines and those in none, are copied under the lock.
 * In which order they go, and when, is view_order.c's question.
 *
 * Of a line that several upstreams share all is asked when it is copied: who may
 * overtake whom is no question of one window (line_eta.c).
 */
#include "state/view_queue.h"

#include <string.h>

#include "lib/sigbus.h"
#include "state/policy/admit.h"
#include "state/policy/eligible.h"
#include "state/policy/layout.h"
#include "state/policy/lent_scopes.h"
#include "state/policy/limits.h"
#include "state/policy/line_eta.h"
#include "state/policy/model_eta.h"
#include "state/policy/model_gate.h"
#include "state/policy/position.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/tokens.h"
#include "state/policy/virtual_time.h"
#include "state/policy/wants.h"
#include "state/view_cause.h"
#include "state/view_copy.h"
#include "state/view_scopes.h"

/* May it not go now, even if a slot were open?  Then until when?  UP_TO is what
 * its line takes up to it, its client's own limit left aside. */
static void copy_block(struct view_queue *q, struct view_row *v, uint32_t i,
                       struct quota_sum up_to)
{
    const struct lay_row *r = row_at(q->lay, i);
    bool model = eligible_is_model_blocked(q->lay, i);
    int64_t own = quota_eta(q->lay, r->client, up_to, q->now);
    int64_t at = model ? model_gate_free_at(q->lay, r->model, q->now) : q->now;

    v->blocked = !eligible_takes_turn(q->lay, i) || own > q->now;
    at = max_i64(at, own);
    v->eta_ns = at == NEVER ? -1 : at - q->now;
    v->kept = (r->flags & ROW_KEPT) != 0;
    view_cause_copy(q, v, i, own);
}

/* In a shared line it is told what its ticket is (ticket_events.c). */
static void copy_shared(struct view_queue *q, struct view_row *v, uint32_t i,
                        struct quota_sum up_to)
{
    const struct lay_row *r = row_at(q->lay, i);
    int64_t eta = q->line->eta[i], own = q->now;

    if (quota_limits(q->lay, r->client))
        own = quota_eta(q->lay, r->client, up_to, q->now);
    if (v->first != NONE && q->line->eta[v->first] != NEVER)
        own = max_i64(own, q->line->eta[v->first] + v->after_first_ns);
    eta = max_i64(eta, own);
    v->foretold = true;
    v->kept = (r->flags & ROW_KEPT) != 0;
    v->position = q->line->position[i];
    v->eta_ns = eta == NEVER ? -1 : max_i64(eta - q->now, 0);
    view_cause_copy(q, v, i, own);
}

static void add_way(struct view_row *v, uint32_t upstream)
{
    uint32_t i;

    for (i = 0; i < v->n_ways; i++)
        if (v->ways[i] == upstream)
            return;
    if (upstream < LAY_UPSTREAMS && v->n_ways < LIMITER_CHOICES)
        v->ways[v->n_ways++] = (uint8_t)upstream;
}

/* Where it would never fit it may not go. */
static void copy_ways(struct view_queue *q, struct view_row *v, uint32_t i)
{
    uint32_t k;

    if (!wants_has(q->lay, i))
        add_way(v, limits_upstream(q->lay, row_at(q->lay, i)->scope));
    for (k = 0; wants_has(q->lay, i) && k < want_at(q->lay, i)->n; k++) {
        struct wants_place p = wants_place(q->lay, i, k);

        if (p.scope != NONE)
            add_way(v, p.upstream);
    }
}

/* NULL: there is no room for it. */
static struct view_row *copy_row(struct view_queue *q, uint32_t i,
                                 uint32_t scope)
{
    struct layout *lay = q->lay;
    const struct lay_row *r = row_at(lay, i);
    struct view_row *v = &q->out->rows[q->out->n_rows];

    if (r->client >= LAY_CLIENTS || r->cls >= LIMITER_CLASSES)
        sigbus_damaged("row");
    if (q->out->n_rows >= LAY_ROWS)
        return NULL;
    v->id = r->id;
    memcpy(v->request_id, r->request_id, sizeof(v->request_id));
    v->request_id[sizeof(v->request_id) - 1] = '\0';
    memcpy(v->trace, lay->traces[i].text, sizeof(v->trace) - 1);
    v->trace[sizeof(v->trace) - 1] = '\0';
    v->row = i;
    v->first = NONE;
    view_name(v->client, lay->clients[r->client].text);
    if (r->model < LAY_MODELS)
        view_name(v->model, lay->models[r->model].text);
    v->scope = scope;
    v->cls = (enum limiter_class)r->cls;
    v->stream = (r->flags & ROW_STREAM) != 0;
    v->waiting = r->state != ROW_OPEN && r->state != ROW_SENT;
    if (v->waiting)
        copy_ways(q, v, i);
    if (r->state == ROW_ASIDE) {
        v->blocked = true;
        v->eta_ns =
            max_i64(0, row_aside_ns(r) - view_since(q->now, r->changed_ns));
    }
    v->pid = worker_at(lay, r->worker)->pid;
    v->age_ns = view_since(q->now, r->joined_ns);
    v->body_bytes = r->body_bytes;
    v->weight = r->weight;
    v->tokens = tokens_of_scope(lay, r).tokens;
    v->model_row = r->model;
    v->arrival = r->arrival;
    if (v->waiting)
        view_cause_copy(q, v, i, q->now);
    q->out->n_rows++;
    return v;
}

static struct quota_sum with_row(struct layout *lay, struct quota_sum sum,
                                 uint32_t row)
{
    struct take what = tokens_of_client(lay, row_at(lay, row));

    return (struct quota_sum){sum.weight + what.weight,
                              sum.tokens + what.tokens};
}

/* V, of row I; UP_TO as above.  NTH counts those of its flow that may go.  FIRST:
 * of those that take turns. */
static void copy_place(struct view_queue *q, struct view_row *v, uint32_t i,
                       struct quota_sum up_to, uint32_t first, uint32_t *nth)
{
    if (quota_limits(q->lay, row_at(q->lay, i)->client)) {
        v->first = first;
        v->after_first_ns =
            quota_after_first(q->lay, row_at(q->lay, i)->client, up_to);
    }
    if (wants_has(q->lay, i)) {
        copy_shared(q, v, i, up_to);
        return;
    }
    copy_block(q, v, i, up_to);
    if (!v->blocked)
        v->key = position_key(q->lay, i, (*nth)++);
}

/* The lines, flow by flow: there the place of a row in its line is known. */
static void copy_waiting(struct view_queue *q, uint32_t scope)
{
    struct lay_scope *s = scope_at(q->lay, q->scope_ids[scope]);
    uint32_t cls, flow, row, hops = 0;

    if (q->lay->live.limited > 0)
        eligible_measure(q->lay, q->scope_ids[scope]);
    if (wants_share(q->lay, q->scope_ids[scope]))
        line_eta_all(q->line, q->lay, q->scope_ids[scope], q->now);
    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        for (flow = s->cls[cls].flows; flow != NONE;
             flow = flow_at(q->lay, flow)->next) {
            struct quota_sum own = {0, 0}, up_to;
            uint32_t nth = 0, first = NONE;

            row = flow_at(q->lay, flow)->head;
            for (; row != NONE; row = row_at(q->lay, row)->next) {
                struct view_row *v = copy_row(q, row, scope);

                up_to = with_row(q->lay, own, row);
                if (v != NULL)
                    copy_place(q, v, row, up_to, first, &nth);
                if (eligible_takes_turn(q->lay, row)) {
                    own = up_to;
                    first = first == NONE ? row : first;
                }
                if (++hops > LAY_ROWS)
                    sigbus_damaged("line");
            }
        }
    }
}

/* Those in no line. */
static void copy_running(struct view_queue *q)
{
    uint32_t i, scope;

    for (i = 0; i < q->lay->live.rows_high && i < LAY_ROWS; i++) {
        if (q->lay->rows[i].state < ROW_OFFERED ||
            q->lay->rows[i].scope >= LAY_SCOPES)
            continue;
        scope = q->scope_of[q->lay->rows[i].scope];
        if (scope > 0)
            (void)copy_row(q, i, scope - 1);
    }
}

/* ---- all of it -------------------------------------------------------------- */

void view_queue_copy(struct view_queue *q, struct layout *lay, int64_t now)
{
    uint32_t scope;

    q->lay = lay;
    q->now = now;
    view_scopes_copy(q);
    for (scope = 0; scope < q->out->n_scopes; scope++)
        copy_waiting(q, scope);
    copy_running(q);
}

void view_queue_init(struct view_queue *q, struct limiter_view *out)
{
    *q = (struct view_queue){.out = out};
    q->scope_ids = view_room(LAY_SCOPES, sizeof(*q->scope_ids));
    q->scope_of = view_room(LAY_SCOPES, sizeof(*q->scope_of));
    q->start = view_room(LAY_SCOPES, sizeof(*q->start));
    q->etas = view_room(LAY_ROWS, sizeof(*q->etas));
    q->rows = view_room(LAY_ROWS, sizeof(*q->rows));
    q->slot_etas = view_room(LAY_ROWS, sizeof(*q->slot_etas));
    q->takes = view_room(LAY_ROWS, sizeof(*q->takes));
    q->line = view_room(1, sizeof(*q->line));
    q->whys = view_room(LAY_SCOPES, sizeof(*q->whys));
    q->why_known = view_room(LAY_SCOPES, sizeof(*q->why_known));
    out->rows = view_room(LAY_ROWS, sizeof(*out->rows));
    out->scopes = view_room(LAY_SCOPES, sizeof(*out->scopes));
    out->opens = view_room(VIEW_OPENS_ALL, sizeof(*out->opens));
}

void view_queue_fini(struct view_queue *q)
{
    free(q->scope_ids);
    free(q->scope_of);
    free(q->start);
    free(q->etas);
    free(q->rows);
    free(q->slot_etas);
    free(q->takes);
    free(q->line);
    free(q->whys);
    free(q->why_known);
}
