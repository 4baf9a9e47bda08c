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
#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/virtual_time.h"

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

void queue_remove(struct layout *lay, uint32_t row)
{
    uint32_t i = row_at(lay, row)->flow;
    struct lay_flow *f = flow_at(lay, i);
    struct lay_scope *s = scope_at(lay, f->scope);
    struct lay_class *c = class_at(s, f->cls);

    if (!eligible_is_blocked(lay, row)) { /* what was measured stays true */
        f->may -= f->may > 0;
        c->may -= c->may > 0;
    }
    flow_step_out(lay, i, row);
    row_at(lay, row)->flow = NONE;
    count_model(lay, row, -1);
    c->n--;
    if (--s->waiting == 0)
        set_active(lay, f->scope, false);
    if (f->n > 0)
        return;
    flow_leave_class(lay, i);
    if (f->finish <= c->v)
        flow_free(lay, i);
}

void queue_charge(struct layout *lay, uint32_t row)
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
    queue_remove(lay, row);
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
static uint32_t line_first(struct layout *lay, const struct lay_flow *f)
{
    return lay->live.stalled == 0 && lay->live.limited == 0
               ? f->head
               : eligible_first(lay, f);
}

/* Is (start, row) before (best_start, best)?  Ties go by arrival. */
static bool goes_before(struct layout *lay, uint64_t start, uint32_t row,
                        uint64_t best_start, uint32_t best)
{
    if (best == NONE || start != best_start)
        return best == NONE || start < best_start;
    return row_at(lay, row)->arrival < row_at(lay, best)->arrival;
}

static uint32_t class_best(struct layout *lay, const struct lay_class *c)
{
    uint32_t i, best = NONE, hops = 0;
    uint64_t best_start = 0;

    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *f = flow_at(lay, i);
        uint64_t start = flow_start(c, f);
        uint32_t row = line_first(lay, f);

        if (row != NONE && goes_before(lay, start, row, best_start, best)) {
            best = row;
            best_start = start;
        }
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
    return best;
}

uint32_t queue_best(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, best = NONE;
    uint64_t best_start = 0;

    if (lay->live.limited > 0 &&
        model_state_block_all(lay, scope, lay->live.now_ns))
        return NONE;
    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        const struct lay_class *c = &s->cls[cls];
        uint32_t row = c->n > 0 ? class_best(lay, c) : NONE;
        uint64_t start = class_start(s, c);

        if (row != NONE && goes_before(lay, start, row, best_start, best)) {
            best = row;
            best_start = start;
        }
    }
    return best;
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

        s->waiting = 0;
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
