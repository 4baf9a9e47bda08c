/*
 * eligible.c - which of those that wait may go at all?
 *
 * Not those of models that are blocked (model_state.c), of clients at their
 * own limit (quota.c), or of workers that do not answer.  While there are none
 * of these (live.limited and live.stalled are 0) nobody looks.  Else a blocked
 * row is stepped over in each line: at most all that wait, some nanoseconds
 * each.  A client at its own limit is stepped over with its whole line.
 */
#include "state/policy/eligible.h"

#include "state/policy/kept.h"
#include "state/policy/layout.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"

bool eligible_is_model_blocked(struct layout *lay, uint32_t row)
{
    if (lay->live.limited == 0)
        return false;
    return wants_has(lay, row) ? wants_are_blocked(lay, row)
                               : model_gate_block(lay, row_at(lay, row)->model,
                                                  lay->live.now_ns);
}

bool eligible_takes_turn(struct layout *lay, uint32_t row)
{
    return lay->live.limited == 0 ||
           (row_at(lay, row)->flags & ROW_COUNTED) != 0;
}

bool eligible_is_blocked(struct layout *lay, uint32_t row)
{
    return eligible_is_model_blocked(lay, row) ||
           (lay->live.limited > 0 &&
            quota_blocks(lay, row_at(lay, row)->client,
                         tokens_of_client(lay, row_at(lay, row)),
                         lay->live.now_ns));
}

/* Its client's own limits may stop it where they do not stop the smallest. */
static bool takes_more(struct layout *lay, uint32_t row)
{
    struct take what = tokens_of_client(lay, row_at(lay, row));

    return what.weight > 1 || what.tokens > 0;
}

/* Was it refused as a probe, and could others of its model, or of all, be the next?
 * One that never passes must not be the only one to try. */
static bool lets_others_try(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_scope *s = scope_at(lay, r->scope);
    const struct lay_model_state *t;

    if ((r->flags & ROW_PROBED) == 0)
        return false;
    if (s->retreat.state == RETREAT_PROBING)
        return s->probed < s->waiting;
    if (model_limit_scope(lay, r->scope, r->model) == NONE)
        return false;
    t = model_state_at(lay, r->model);
    return lay->scopes[LAY_UPSTREAMS + r->model].retreat.state ==
               RETREAT_PROBING &&
           t->probed < t->waiting;
}

/* One that can choose has no use for what is open, and is owed nothing of it.  One
 * that has a slot kept somewhere may go elsewhere. */
static bool finds_nothing(struct layout *lay, uint32_t row,
                          struct eligible_pick pick)
{
    if (wants_take(lay, row, pick.open, pick.whom == PICK_ANY) != NONE)
        return false;
    return pick.whom != PICK_OWED || kept_owed(lay, row, pick.open) == NONE;
}

static bool is_passed_over(struct layout *lay, uint32_t row,
                           struct eligible_pick pick)
{
    if (worker_at(lay, row_at(lay, row)->worker)->stalled)
        return true;
    if (pick.open != NULL)
        return finds_nothing(lay, row, pick);
    return (eligible_is_model_blocked(lay, row) &&
            !(pick.whom == PICK_OWED && kept_may(lay, row))) ||
           (pick.whom != PICK_ANY && lets_others_try(lay, row));
}

/* The first row of a line that may go and whose worker answers, or NONE. */
uint32_t eligible_first(struct layout *lay, const struct lay_flow *f,
                        struct eligible_pick pick)
{
    uint32_t i = f->head;
    uint32_t hops = 0;

    if (lay->live.limited > 0 &&
        quota_blocks(lay, f->client, TAKE_ONE, lay->live.now_ns))
        return NONE;
    while (i != NONE && is_passed_over(lay, i, pick)) {
        i = row_at(lay, i)->next;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return i != NONE && pick.whom != PICK_OWED && takes_more(lay, i) &&
                   eligible_is_blocked(lay, i)
               ? NONE
               : i;
}

/* What is being measured: how many of each model have a turn although it is
 * blocked. */
struct measure {
    struct layout *lay;
    uint32_t hops;
    uint32_t kept[LAY_MODELS];
};

/* For how many more like ROW would a slot be kept? */
static uint32_t left_for(struct layout *lay, uint32_t row)
{
    return wants_has(lay, row) ? kept_left_of(lay, row_at(lay, row)->model)
                               : kept_left(lay, row);
}

static bool has_turn(struct measure *m, uint32_t row)
{
    struct lay_row *r = row_at(m->lay, row);

    if ((r->flags & ROW_KEPT) != 0)
        return false;
    if (!eligible_is_model_blocked(m->lay, row))
        return true;
    if (r->model >= LAY_MODELS || m->kept[r->model] >= left_for(m->lay, row))
        return false;
    m->kept[r->model]++;
    return true;
}

/* False: there is no room for it. */
static bool take_of_room(struct quota_sum *room, struct take what)
{
    if (what.weight > room->weight || what.tokens > room->tokens)
        return false;
    room->weight -= room->weight == UINT64_MAX ? 0 : what.weight;
    room->tokens -= room->tokens == UINT64_MAX ? 0 : what.tokens;
    return true;
}

/* How many of F's rows may go: as far as its client's own limit goes, which no
 * row's own mark knows of. */
static uint32_t line_measure(struct measure *m, const struct lay_flow *f)
{
    struct quota_sum room = quota_room(m->lay, f->client, m->lay->live.now_ns);
    uint32_t row, n = 0;
    bool full = false;

    for (row = f->head; row != NONE; row = row_at(m->lay, row)->next) {
        struct lay_row *r = row_at(m->lay, row);

        if (++m->hops > LAY_ROWS)
            sigbus_damaged("line");
        r->flags &= (uint16_t)~ROW_COUNTED;
        if (!has_turn(m, row))
            continue;
        r->flags |= ROW_COUNTED;
        full = full || !take_of_room(&room, tokens_of_client(m->lay, r));
        n += !full;
    }
    return n;
}

void eligible_measure(struct layout *lay, uint32_t scope)
{
    struct measure m = {lay, 0, {0}};
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, i;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        struct lay_class *c = &s->cls[cls];

        c->may = 0;
        for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
            struct lay_flow *f = flow_at(lay, i);

            f->may = line_measure(&m, f);
            c->may += f->may;
        }
    }
}

/* From when on ROW may go, if its worker answers; its client may send one of weight
 * 1 from FROM on.  *LAST: nobody passes it by, whenever that is. */
static int64_t row_free_at(struct layout *lay, uint32_t row, int64_t from,
                           bool *last)
{
    const struct lay_row *r = row_at(lay, row);

    *last = false;
    if (worker_at(lay, r->worker)->stalled)
        return NEVER;
    if (takes_more(lay, row))
        from = quota_free_at(lay, r->client, tokens_of_client(lay, r),
                             lay->live.now_ns);
    if (eligible_is_model_blocked(lay, row))
        return max_i64(
            from, wants_has(lay, row)
                      ? wants_free_at(lay, row)
                      : model_gate_free_at(lay, r->model, lay->live.now_ns));
    *last = (r->flags & ROW_PROBED) == 0;
    return from;
}

/* The first of a line to be free before *WHEN, which then is told, or NONE. */
static uint32_t line_free_before(struct layout *lay, const struct lay_flow *f,
                                 int64_t *when)
{
    int64_t from = quota_free_at(lay, f->client, TAKE_ONE, lay->live.now_ns);
    uint32_t i, best = NONE, hops = 0;
    bool last = false;

    for (i = f->head; i != NONE && !last && from < *when;
         i = row_at(lay, i)->next) {
        int64_t at = row_free_at(lay, i, from, &last);

        if (at < *when) {
            *when = at;
            best = i;
        }
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return best;
}

uint32_t eligible_next(struct layout *lay, uint32_t scope, int64_t *when)
{
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, i, row = NONE, hops = 0;

    *when = NEVER;
    for (cls = 0; lay->live.limited > 0 && cls < LIMITER_CLASSES; cls++) {
        for (i = s->cls[cls].flows; i != NONE; i = flow_at(lay, i)->next) {
            uint32_t first = line_free_before(lay, flow_at(lay, i), when);

            row = first != NONE ? first : row;
            if (++hops > LAY_FLOWS)
                sigbus_damaged("flow list");
        }
    }
    return row;
}
