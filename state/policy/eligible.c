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

#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"

bool eligible_is_model_blocked(struct layout *lay, uint32_t row)
{
    return lay->live.limited > 0 &&
           model_state_block(lay, row_at(lay, row)->model, lay->live.now_ns);
}

bool eligible_is_blocked(struct layout *lay, uint32_t row)
{
    return eligible_is_model_blocked(lay, row) ||
           (lay->live.limited > 0 &&
            quota_blocks(lay, row_at(lay, row)->client,
                         row_at(lay, row)->weight, lay->live.now_ns));
}

/* The first row of a line that may go and whose worker answers, or NONE. */
uint32_t eligible_first(struct layout *lay, const struct lay_flow *f)
{
    uint32_t i = f->head;
    uint32_t hops = 0;

    if (lay->live.stalled == 0 && lay->live.limited == 0)
        return i;
    if (lay->live.limited > 0 &&
        quota_blocks(lay, f->client, 1, lay->live.now_ns))
        return NONE;
    while (i != NONE && (worker_at(lay, row_at(lay, i)->worker)->stalled ||
                         eligible_is_model_blocked(lay, i))) {
        i = row_at(lay, i)->next;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return i != NONE && row_at(lay, i)->weight > 1 &&
                   eligible_is_blocked(lay, i)
               ? NONE
               : i;
}

/* How many of F's rows may go: as far as its client's own limit goes. */
static uint32_t line_measure(struct layout *lay, const struct lay_flow *f,
                             uint32_t *hops)
{
    uint32_t room = quota_room(lay, f->client, lay->live.now_ns);
    uint32_t row, n = 0;

    for (row = f->head; row != NONE && room > 0; row = row_at(lay, row)->next) {
        const struct lay_row *r = row_at(lay, row);

        if (++*hops > LAY_ROWS)
            sigbus_damaged("line");
        if (eligible_is_model_blocked(lay, row))
            continue;
        if (r->weight > room)
            break;
        room -= room == UINT32_MAX ? 0 : r->weight;
        n++;
    }
    return n;
}

void eligible_measure(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, i, hops = 0;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        struct lay_class *c = &s->cls[cls];

        c->may = 0;
        for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
            struct lay_flow *f = flow_at(lay, i);

            f->may = line_measure(lay, f, &hops);
            c->may += f->may;
        }
    }
}

/* From when on CLIENT may send one of WEIGHT. */
static int64_t client_free_at(struct layout *lay, uint32_t client,
                              uint32_t weight)
{
    int64_t now = lay->live.now_ns;

    return quota_blocks(lay, client, weight, now)
               ? quota_eta(lay, client, weight - 1, now)
               : now;
}

/* The same of a row, if its worker answers; its client may send one of weight
 * 1 from FROM on. */
static int64_t row_free_at(struct layout *lay, uint32_t row, int64_t from)
{
    const struct lay_row *r = row_at(lay, row);

    if (worker_at(lay, r->worker)->stalled)
        return NEVER;
    if (r->weight > 1)
        from = client_free_at(lay, r->client, r->weight);
    return eligible_is_model_blocked(lay, row)
               ? max_i64(from,
                         model_state_free_at(lay, r->model, lay->live.now_ns))
               : from;
}

/* The first of a line to be free before *WHEN, which then is told, or NONE. */
static uint32_t line_free_before(struct layout *lay, const struct lay_flow *f,
                                 int64_t *when)
{
    int64_t from = client_free_at(lay, f->client, 1);
    uint32_t i, best = NONE, hops = 0;

    for (i = f->head; i != NONE && from < *when; i = row_at(lay, i)->next) {
        int64_t at = row_free_at(lay, i, from);

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
