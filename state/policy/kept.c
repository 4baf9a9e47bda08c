/*
 * kept.c - who is owed a slot that he cannot take now?
 *
 * All slots of a window open at once.  A model that bears four at a time would
 * find four of them, and whoever is not blocked the rest: its share would be
 * gone when it could be used.  So the queue goes on as if the blocked one took
 * its turn: the row is charged, its slot is kept, and it goes when its model
 * can take it.
 *
 * Nothing is kept that would not be used: for each model at most as many as it
 * can take within a window, by its ceiling and by how long an answer takes, or
 * by its pace.  A model that is off, that rests, or that is held for longer than
 * a moment has none.
 */
#include "state/policy/kept.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_gate.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/policy/scope.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"

#define MOMENT_PART 4 /* of a window is worth waiting for */

/* By its ceiling: what WINDOW lets it begin beyond those in flight. */
static int64_t room_by_ceiling(const struct lay_model_state *t, int64_t window)
{
    int64_t k = t->concurrency.limit;

    if (k == 0)
        return LAY_ROWS;
    if (t->service_ns <= 0)
        return k;
    return max_i64(k * (window - t->service_ns) / t->service_ns, 0);
}

/* By what its refusals have taught. */
static int64_t room_by_limit(struct layout *lay, uint32_t model, int64_t window)
{
    const struct retreat *re = &lay->scopes[LAY_UPSTREAMS + model].retreat;

    if (!model_limit_learns(lay, model))
        return LAY_ROWS;
    switch (re->state) {
    case RETREAT_NORMAL:
        return LAY_ROWS;
    case RETREAT_RECOVERING:
        if (re->find.opening)
            return LAY_ROWS;
        return re->pace.gap_ns > 0 ? window / re->pace.gap_ns : 0;
    default:
        return re->find.tries == 0 && re->find.first_ns > 0 ? LAY_ROWS : 0;
    }
}

static int64_t room(struct layout *lay, uint32_t model)
{
    const struct lay_model_state *t = model_state_at(lay, model);
    uint32_t scope = LAY_UPSTREAMS + model;
    int64_t window = limits_of(lay, scope)->window_ns;

    if (ejection_is_on(&t->ejection, lay->live.now_ns) ||
        model_state_is_held(lay, limits_upstream(lay, scope)) ||
        concurrency_rest_span(&t->concurrency, lay->live.now_ns) >
            window / MOMENT_PART)
        return 0;
    return min_i64(room_by_ceiling(t, window),
                   room_by_limit(lay, model, window));
}

uint32_t kept_left_of(struct layout *lay, uint32_t model)
{
    int64_t left = room(lay, model) - model_state_at(lay, model)->kept;

    return (uint32_t)max_i64(0, min_i64(left, LAY_ROWS));
}

uint32_t kept_left(struct layout *lay, uint32_t row)
{
    struct wants_place p = wants_home(lay, row);

    if (p.model == NONE || p.scope >= LAY_UPSTREAMS)
        return 0;
    return kept_left_of(lay, p.model);
}

uint32_t kept_owed(struct layout *lay, uint32_t row, const struct openings *o)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t k;

    if ((row_at(lay, row)->flags & ROW_KEPT) != 0)
        return NONE;
    for (k = 0; k < w->n; k++) {
        struct wants_place p = wants_place(lay, row, k);

        if (p.model != NONE && p.scope < LAY_UPSTREAMS &&
            wants_is_open(lay, o, &p) && wants_is_blocked(lay, &p) &&
            kept_left_of(lay, p.model) > 0)
            return k;
    }
    return NONE;
}

bool kept_may(struct layout *lay, uint32_t row)
{
    return (row_at(lay, row)->flags & ROW_KEPT) == 0 && kept_left(lay, row) > 0;
}

void kept_count(struct layout *lay, uint32_t row, int sign)
{
    struct wants_place p = wants_home(lay, row);

    scope_at(lay, p.scope)->kept += (uint32_t)sign * row_at(lay, row)->weight;
    if (p.model != NONE)
        model_state_at(lay, p.model)->kept += (uint32_t)sign;
}

/* ---- who has one ------------------------------------------------------------------ */

/* Those of SCOPE, one after the other: the one after ROW of FLOW of CLS, which is
 * NONE at first.  They stand in LINE. */
struct walk {
    struct layout *lay;
    uint32_t scope, line, cls, flow, row, hops;
};

static uint32_t walk_line(struct walk *w)
{
    struct layout *lay = w->lay;

    while (w->row != NONE) {
        uint32_t row = w->row;

        w->row = row_at(lay, row)->next;
        if (++w->hops > LAY_ROWS)
            sigbus_damaged("line");
        if ((row_at(lay, row)->flags & ROW_KEPT) != 0 &&
            wants_home(lay, row).scope == w->scope)
            return row;
    }
    return NONE;
}

static uint32_t walk_next(struct walk *w)
{
    struct layout *lay = w->lay;
    uint32_t row;

    while ((row = walk_line(w)) == NONE) {
        if (w->flow != NONE)
            w->flow = flow_at(lay, w->flow)->next;
        while (w->flow == NONE && w->cls < LIMITER_CLASSES)
            w->flow = lay->scopes[w->line].cls[w->cls++].flows;
        if (w->flow == NONE || ++w->hops > LAY_ROWS + LAY_FLOWS)
            return NONE;
        w->row = flow_at(lay, w->flow)->head;
    }
    return row;
}

/* The first of them. */
static uint32_t walk_begin(struct walk *w, struct layout *lay, uint32_t scope)
{
    uint32_t line = scope < LAY_UPSTREAMS ? wants_line(lay, scope) : NONE;

    *w = (struct walk){lay,  scope, line == NONE ? scope : line, 0, NONE,
                       NONE, 0};
    return scope_at(lay, scope)->kept > 0 ? walk_next(w) : NONE;
}

/* Nobody but its model may stand in its way. */
static bool is_of_use(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);

    return wants_home(lay, row).model != NONE &&
           !worker_at(lay, r->worker)->stalled &&
           !quota_blocks(lay, r->client, tokens_of_client(lay, r),
                         lay->live.now_ns);
}

static bool may_go(struct layout *lay, uint32_t row)
{
    return is_of_use(lay, row) &&
           !model_gate_block(lay, wants_home(lay, row).model, lay->live.now_ns);
}

uint32_t kept_ready(struct layout *lay, uint32_t scope)
{
    struct walk w;
    uint32_t row, best = NONE;

    for (row = walk_begin(&w, lay, scope); row != NONE; row = walk_next(&w)) {
        const struct lay_row *r = row_at(lay, row);

        if ((best == NONE || r->arrival < row_at(lay, best)->arrival) &&
            may_go(lay, row))
            best = row;
    }
    return best;
}

static bool is_idle(struct layout *lay, uint32_t row)
{
    uint32_t model = wants_home(lay, row).model;

    return !is_of_use(lay, row) ||
           (model_state_at(lay, model)->kept > room(lay, model) &&
            !may_go(lay, row));
}

bool kept_each_idle(struct layout *lay, uint32_t scope,
                    void (*let_go)(struct layout *lay, uint32_t row))
{
    uint32_t row, kept = scope_at(lay, scope)->kept;
    struct walk w;

    for (row = walk_begin(&w, lay, scope); row != NONE; row = walk_next(&w))
        if (is_idle(lay, row))
            let_go(lay, row);
    return scope_at(lay, scope)->kept != kept;
}

uint32_t kept_next(struct layout *lay, uint32_t scope, int64_t *when)
{
    struct walk w;
    uint32_t row, best = NONE;

    *when = NEVER;
    for (row = walk_begin(&w, lay, scope); row != NONE; row = walk_next(&w)) {
        int64_t at = model_gate_free_at(lay, wants_home(lay, row).model,
                                        lay->live.now_ns);

        if (at < *when) {
            *when = at;
            best = row;
        }
    }
    return best;
}
