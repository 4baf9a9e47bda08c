/*
 * queue.c - who goes next?
 *
 * What always holds while the lock is free:
 *   - a waiting row is in exactly one line, ordered by arrival;
 *   - a flow with n > 0 is in its class' list, one with n == 0 is not, and
 *     lives on only while it is in debt (finish > V);
 *   - start and finish of a flow never exceed V + 1/share.
 *
 * Picking scans the flows of three classes: one comparison for each client
 * that waits.  A heap would only pay with thousands of clients in one class.
 * Those that may not go now are stepped over: eligible.c.
 */
#include "state/policy/queue.h"

#include "state/policy/eligible.h"
#include "state/policy/flow.h"
#include "state/policy/kept.h"
#include "state/policy/layout.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_state.h"
#include "state/policy/openings.h"
#include "state/policy/quota.h"
#include "state/policy/tokens.h"
#include "state/policy/virtual_time.h"
#include "state/policy/wants.h"

/* A store hears of who comes and goes at once while a line is so short that it might
 * give it a slot too many or too few, else with the next call that is due. */
#define LINE_TOLD 8

static void set_active(struct layout *lay, uint32_t scope, bool active)
{
    uint64_t bit = UINT64_C(1) << scope % 64;

    if (active)
        lay->live.active[scope / 64] |= bit;
    else
        lay->live.active[scope / 64] &= ~bit;
}

static void count_model(struct layout *lay, uint32_t row, int sign)
{
    uint32_t model = row_at(lay, row)->model;

    if (model != NONE)
        model_state_at(lay, model)->waiting += (uint32_t)sign;
}

static void count_probed(struct layout *lay, uint32_t row, int sign)
{
    const struct lay_row *r = row_at(lay, row);

    if ((r->flags & ROW_PROBED) == 0)
        return;
    scope_at(lay, r->scope)->probed += (uint32_t)sign;
    if (r->model != NONE)
        model_state_at(lay, r->model)->probed += (uint32_t)sign;
}

/* ---- in and out ------------------------------------------------------ */

static void put_in_line(struct layout *lay, uint32_t flow, uint32_t row)
{
    struct lay_flow *f = flow_at(lay, flow);
    struct lay_scope *s = scope_at(lay, f->scope);
    struct lay_class *c = class_at(s, f->cls);

    if (c->n++ == 0)
        c->start = max_u64(s->v, c->finish);
    if (f->n == 0) {
        f->start = max_u64(c->v, f->finish);
        flow_join_class(lay, flow);
    }
    flow_line_up(lay, flow, row);
    row_at(lay, row)->flow = flow;
    count_model(lay, row, 1);
    if ((row_at(lay, row)->flags & ROW_KEPT) != 0)
        kept_count(lay, row, 1);
    count_probed(lay, row, 1);
    lay->store.lines += f->n <= LINE_TOLD;
    if (s->waiting++ == 0)
        set_active(lay, f->scope, true);
}

bool queue_insert(struct layout *lay, uint32_t row)
{
    uint32_t i = flow_find_or_make(lay, row);

    if (i == NONE)
        return false;
    put_in_line(lay, i, row);
    return true;
}

/* What is kept for ROW is kept no longer. */
static void let_go(struct layout *lay, uint32_t row)
{
    struct lay_row *r = row_at(lay, row);

    if ((r->flags & ROW_KEPT) == 0)
        return;
    r->flags &= (uint16_t)~ROW_KEPT;
    kept_count(lay, row, -1);
}

static void take_out(struct layout *lay, uint32_t row)
{
    uint32_t i = row_at(lay, row)->flow;
    struct lay_flow *f = flow_at(lay, i);
    struct lay_scope *s = scope_at(lay, f->scope);
    struct lay_class *c = class_at(s, f->cls);

    if (eligible_takes_turn(lay, row) &&
        !quota_blocks(lay, row_at(lay, row)->client,
                      tokens_of_client(lay, row_at(lay, row)),
                      lay->live.now_ns)) { /* what was measured stays true */
        f->may -= f->may > 0;
        c->may -= c->may > 0;
    }
    count_probed(lay, row, -1);
    flow_step_out(lay, i, row);
    row_at(lay, row)->flow = NONE;
    count_model(lay, row, -1);
    c->n--;
    lay->store.lines += f->n <= LINE_TOLD;
    if (--s->waiting == 0)
        set_active(lay, f->scope, false);
    if (f->n > 0)
        return;
    flow_leave_class(lay, i);
    if (f->finish <= c->v)
        flow_free(lay, i);
}

void queue_remove(struct layout *lay, uint32_t row)
{
    bool was_kept = (row_at(lay, row)->flags & ROW_KEPT) != 0;

    let_go(lay, row);
    wants_unmark(lay, row);
    take_out(lay, row);
    if (was_kept)
        queue_refund(lay, row);
}

static void charge(struct layout *lay, uint32_t row)
{
    uint32_t i = row_at(lay, row)->flow;
    struct lay_flow *f = flow_at(lay, i);
    struct lay_scope *s = scope_at(lay, f->scope);
    struct lay_class *c = class_at(s, f->cls);

    c->v = flow_start(c, f);
    f->start = f->finish = c->v + flow_step(f);
    s->v = class_start(s, c);
    c->start = c->finish = s->v + class_step(f->cls);
    virtual_time_keep_small(lay, f->scope, f->cls);
}

void queue_charge(struct layout *lay, uint32_t row)
{
    if ((row_at(lay, row)->flags & ROW_KEPT) == 0)
        charge(lay, row);
    let_go(lay, row);
    take_out(lay, row);
}

void queue_keep(struct layout *lay, uint32_t row)
{
    charge(lay, row);
    row_at(lay, row)->flags |= ROW_KEPT;
    kept_count(lay, row, 1);
}

void queue_keep_no_longer(struct layout *lay, uint32_t row)
{
    let_go(lay, row);
    wants_unmark(lay, row);
    queue_refund(lay, row);
}

void queue_refund(struct layout *lay, uint32_t row)
{
    struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = scope_at(lay, r->scope);
    struct lay_class *c = class_at(s, r->cls);
    uint32_t i = flow_find(lay, r);
    struct lay_flow *f;

    c->finish -=
        c->finish < class_step(r->cls) ? c->finish : class_step(r->cls);
    c->start = max_u64(s->v, c->finish);
    if (i == NONE)
        return; /* its debt was paid and forgotten meanwhile */
    f = flow_at(lay, i);
    f->finish -= f->finish < flow_step(f) ? f->finish : flow_step(f);
    f->start = max_u64(c->v, f->finish);
}

/* ---- who goes next --------------------------------------------------- */

/* Nearly always there is nobody to be stepped over. */
static uint32_t line_first(struct layout *lay, const struct lay_flow *f,
                           struct eligible_pick pick)
{
    return lay->live.stalled == 0 && lay->live.limited == 0 &&
                   pick.open == NULL && scope_at(lay, f->scope)->probed == 0
               ? f->head
               : eligible_first(lay, f, pick);
}

/* Is (start, row) before (best_start, best)?  Ties go by arrival. */
static bool goes_before(struct layout *lay, uint64_t start, uint32_t row,
                        uint64_t best_start, uint32_t best)
{
    if (best == NONE || start != best_start)
        return best == NONE || start < best_start;
    return row_at(lay, row)->arrival < row_at(lay, best)->arrival;
}

static uint32_t class_best(struct layout *lay, const struct lay_class *c,
                           struct eligible_pick pick)
{
    uint32_t i, best = NONE, hops = 0;
    uint64_t best_start = 0;

    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *f = flow_at(lay, i);
        uint64_t start = flow_start(c, f);
        uint32_t row = line_first(lay, f, pick);

        if (row != NONE && goes_before(lay, start, row, best_start, best)) {
            best = row;
            best_start = start;
        }
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
    return best;
}

static uint32_t best_of(struct layout *lay, uint32_t scope,
                        struct eligible_pick pick)
{
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, best = NONE;
    uint64_t best_start = 0;

    if (lay->live.limited > 0 && pick.whom != PICK_OWED && pick.open == NULL &&
        model_gate_block_all(lay, scope, lay->live.now_ns))
        return NONE;
    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        const struct lay_class *c = &s->cls[cls];
        uint32_t row = c->n > 0 ? class_best(lay, c, pick) : NONE;
        uint64_t start = class_start(s, c);

        if (row != NONE && goes_before(lay, start, row, best_start, best)) {
            best = row;
            best_start = start;
        }
    }
    return best;
}

static uint32_t pick(struct layout *lay, uint32_t scope,
                     enum eligible_whom whom, struct openings *open)
{
    if (open != NULL)
        openings_forget(open);
    return best_of(lay, scope, (struct eligible_pick){whom, open});
}

uint32_t queue_best_of(struct layout *lay, uint32_t scope,
                       struct openings *open)
{
    uint32_t row = pick(lay, scope, PICK_READY, open);

    if (row == NONE && scope_at(lay, scope)->probed > 0)
        row = pick(lay, scope, PICK_ANY, open);
    return row;
}

uint32_t queue_best(struct layout *lay, uint32_t scope)
{
    return queue_best_of(lay, scope, NULL);
}

uint32_t queue_turn_of(struct layout *lay, uint32_t scope,
                       struct openings *open)
{
    return pick(lay, scope, lay->live.limited > 0 ? PICK_OWED : PICK_READY,
                open);
}

uint32_t queue_turn(struct layout *lay, uint32_t scope)
{
    return queue_turn_of(lay, scope, NULL);
}

/* Has ROW a turn of its own, for which nothing is kept? */
static bool has_turn(const struct lay_row *r, uint32_t model)
{
    return r->model == model && r->grant == 0 && (r->flags & ROW_KEPT) == 0;
}

/* The arrival behind the first of another model than that of ROW, which has nobody
 * behind it. */
static int64_t behind_another(struct layout *lay, const struct lay_flow *f,
                              const struct lay_row *self)
{
    uint32_t i, hops = 0;

    for (i = f->head; i != NONE; i = row_at(lay, i)->next) {
        const struct lay_row *r = row_at(lay, i);

        if (r->model != self->model)
            return max_i64(r->arrival + 1, self->arrival);
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return self->arrival;
}

bool queue_insert_refused(struct layout *lay, uint32_t row, int64_t last)
{
    uint32_t flow = flow_find(lay, row_at(lay, row));
    uint32_t model = row_at(lay, row)->model, out = row, i, next, hops = 0;

    if (flow == NONE)
        return queue_insert(lay, row);
    for (i = flow_at(lay, flow)->head; i != NONE; i = next) {
        next = row_at(lay, i)->next;
        if (has_turn(row_at(lay, i), model)) {
            flow_take_place(lay, flow, out, i);
            count_probed(lay, out, 1);
            count_probed(lay, i, -1);
            out = i;
        }
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    row_at(lay, out)->arrival =
        out != row ? last
                   : behind_another(lay, flow_at(lay, flow), row_at(lay, row));
    return queue_insert(lay, out);
}

int64_t queue_head_arrival(struct layout *lay, uint32_t row)
{
    uint32_t i = flow_find(lay, row_at(lay, row)), hops = 0;

    if (i == NONE)
        return 0;
    for (i = flow_at(lay, i)->head; i != NONE; i = row_at(lay, i)->next) {
        const struct lay_row *r = row_at(lay, i);

        /* One that was granted before has come back, and is older still. */
        if ((r->flags & ROW_TO_HEAD) == 0 && r->grant == 0)
            return r->arrival - 1;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return 0;
}

/* ---- after a crash --------------------------------------------------- */

static void reset_scopes(struct layout *lay)
{
    uint32_t i, cls;

    for (i = 0; i < LAY_SCOPES; i++) {
        struct lay_scope *s = &lay->scopes[i];

        s->waiting = s->kept = s->probed = 0;
        set_active(lay, i, false);
        for (cls = 0; cls < LIMITER_CLASSES; cls++) {
            s->cls[cls].n = 0;
            s->cls[cls].flows = NONE;
            virtual_time_clamp(&s->cls[cls].start, &s->cls[cls].finish, s->v,
                               class_step(cls));
        }
    }
}

void queue_rebuild(struct layout *lay)
{
    uint32_t i;

    reset_scopes(lay);
    flow_rebuild(lay);
    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_WAITING && !queue_insert(lay, i))
            sigbus_damaged("flow table");
}
