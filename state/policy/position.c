/*
 * position.c - how many go before me?
 *
 * Nothing is simulated.  The rows of a flow start at start, start + step, and
 * so on, so how many of them come before a given virtual time is a division;
 * the same holds for the classes of a scope.  Only ties need a look at rows.
 */
#include "state/policy/position.h"

#include "state/policy/eligible.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/policy/tokens.h"
#include "state/policy/virtual_time.h"

/*
 * How many of N requests that start at START, START + STEP, ... go before one
 * that starts at X?  One at X itself goes first only if it arrived earlier.
 */
static uint32_t starts_before(uint64_t start, uint64_t step, uint32_t n,
                              uint64_t x, bool tie_first)
{
    uint64_t k;

    if (start > x)
        return 0;
    k = (x - start) / step;
    if ((x - start) % step > 0 || tie_first)
        k++;
    return k < n ? (uint32_t)k : n;
}

/* While models are limited, only the rows that may go count: eligible_measure()
 * has said how many. */
static uint32_t flow_n(struct layout *lay, const struct lay_flow *f)
{
    return lay->live.limited > 0 ? f->may : f->n;
}

static uint32_t class_n(struct layout *lay, const struct lay_class *c)
{
    return lay->live.limited > 0 ? c->may : c->n;
}

static const struct lay_row *line_nth(struct layout *lay,
                                      const struct lay_flow *f, uint32_t k)
{
    uint32_t i = f->head;

    if (k >= LAY_ROWS)
        sigbus_damaged("line length");
    for (;; i = row_at(lay, i)->next)
        if (eligible_takes_turn(lay, i) && k-- == 0)
            return row_at(lay, i);
}

/* Ties between two flows of different step meet rarely: then, and only then,
 * the row of the other flow that would tie is looked up. */
static bool ties_first(struct layout *lay, const struct lay_flow *g,
                       uint64_t g_start, uint64_t x, int64_t arrival)
{
    uint64_t k;

    if (x < g_start || (x - g_start) % flow_step(g) != 0)
        return false;
    k = (x - g_start) / flow_step(g);
    return k < flow_n(lay, g) &&
           line_nth(lay, g, (uint32_t)k)->arrival < arrival;
}

/* How many of ROW's line go before it, its client's own limit left aside; the
 * common case, the newest, costs nothing. */
static uint32_t line_index(struct layout *lay, const struct lay_flow *f,
                           uint32_t row)
{
    uint32_t i, k = 0, hops = 0;

    if (f->tail == row &&
        (lay->live.limited == 0 || !quota_limits(lay, f->client)))
        return flow_n(lay, f) - eligible_takes_turn(lay, row);
    for (i = f->head; i != row; i = row_at(lay, i)->next) {
        k += eligible_takes_turn(lay, i);
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return k;
}

/* The position of ROW within its class. */
static uint32_t class_position(struct layout *lay, const struct lay_class *c,
                               uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_flow *f = flow_at(lay, r->flow);
    uint32_t nth = line_index(lay, f, row);
    uint64_t x = flow_start(c, f) + nth * flow_step(f);
    uint32_t i, before = nth, hops = 0;

    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *g = flow_at(lay, i);
        uint64_t start = flow_start(c, g);

        if (g != f)
            before += starts_before(start, flow_step(g), flow_n(lay, g), x,
                                    ties_first(lay, g, start, x, r->arrival));
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
    return before;
}

/* How many rows of the class start before X, or (AT) also at X? */
static uint32_t class_before(struct layout *lay, const struct lay_class *c,
                             uint64_t x, bool at)
{
    uint32_t i, n = 0, hops = 0;

    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *f = flow_at(lay, i);

        n += starts_before(flow_start(c, f), flow_step(f), flow_n(lay, f), x,
                           at);
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
    return n;
}

/* The virtual start of the K-th row that the class would send. */
static uint64_t class_nth_start(struct layout *lay, const struct lay_class *c,
                                uint32_t k)
{
    uint64_t low = c->v, high = c->v, step = QUEUE_QUANTUM;

    while (class_before(lay, c, high, true) <= k && step < UINT64_MAX / 4) {
        high += step;
        step *= 2;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (class_before(lay, c, middle, true) > k)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Do more than N rows of the class that start exactly at X come before
 * ARRIVAL? */
static bool more_tie(struct layout *lay, const struct lay_class *c, uint64_t x,
                     int64_t arrival, uint32_t n)
{
    uint32_t i, hops = 0;

    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *f = flow_at(lay, i);

        if (ties_first(lay, f, flow_start(c, f), x, arrival) && n-- == 0)
            return true;
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
    return false;
}

/*
 * Is the K-th row that the class would send older than ARRIVAL?  Asked when
 * two classes tie in virtual time, which they often do: steps are 1/16, 1/4
 * and 1.
 */
static bool class_nth_is_older(struct layout *lay, const struct lay_class *c,
                               uint32_t k, int64_t arrival)
{
    uint64_t x = class_nth_start(lay, c, k);

    return more_tie(lay, c, x, arrival, k - class_before(lay, c, x, false));
}

uint32_t position_position(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    struct lay_scope *s = scope_at(lay, r->scope);
    const struct lay_class *mine = class_at(s, r->cls);
    uint32_t before = class_position(lay, mine, row);
    uint64_t x = class_start(s, mine) + before * class_step(r->cls);
    uint32_t cls, position = before;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        const struct lay_class *c = &s->cls[cls];
        uint64_t start = class_start(s, c), step = class_step(cls);
        bool tie = false;

        if (cls == r->cls || class_n(lay, c) == 0)
            continue;
        if (x >= start && (x - start) % step == 0 &&
            (x - start) / step < class_n(lay, c))
            tie = class_nth_is_older(lay, c, (uint32_t)((x - start) / step),
                                     r->arrival);
        position += starts_before(start, step, class_n(lay, c), x, tie);
    }
    return position;
}

/* Of F's line up to where N have had their turn, or up to ROW: those of ROW's
 * model, and those of them that have none. */
static void line_of_model(struct layout *lay, const struct lay_flow *f,
                          uint32_t n, uint32_t row, struct model_place *out)
{
    uint32_t model = row_at(lay, row)->model, i, hops = 0;

    for (i = f->head; i != NONE && i != row; i = row_at(lay, i)->next) {
        const struct lay_row *r = row_at(lay, i);
        bool takes = eligible_takes_turn(lay, i);
        bool same = r->model == model && (r->flags & ROW_KEPT) == 0;

        if (takes && n-- == 0)
            return;
        out->before += same;
        out->passed += same && !takes;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
}

void position_of_model(struct layout *lay, uint32_t row,
                       struct model_place *out)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_flow *f = flow_at(lay, r->flow);
    const struct lay_class *c = class_at(scope_at(lay, r->scope), r->cls);
    uint32_t nth = line_index(lay, f, row), i, hops = 0;
    uint64_t x = flow_start(c, f) + nth * flow_step(f);

    *out = (struct model_place){0, 0};
    if (r->model == NONE)
        return;
    out->before = model_state_at(lay, r->model)->kept;
    for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
        const struct lay_flow *g = flow_at(lay, i);
        uint64_t start = flow_start(c, g);
        uint32_t n = nth;

        if (g != f)
            n = starts_before(start, flow_step(g), flow_n(lay, g), x,
                              ties_first(lay, g, start, x, r->arrival));
        line_of_model(lay, g, n, row, out);
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow list");
    }
}

/* What those of ROW's line take that go before it, and itself. */
static struct quota_sum line_sum(struct layout *lay, const struct lay_flow *f,
                                 uint32_t row)
{
    struct take what = tokens_of_client(lay, row_at(lay, row));
    struct quota_sum sum = {what.weight, what.tokens};
    uint32_t i, hops = 0;

    for (i = f->head; i != row; i = row_at(lay, i)->next) {
        if (eligible_takes_turn(lay, i)) {
            what = tokens_of_client(lay, row_at(lay, i));
            sum.weight += what.weight;
            sum.tokens += what.tokens;
        }
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return sum;
}

uint32_t position_first(struct layout *lay, uint32_t row)
{
    const struct lay_flow *f = flow_at(lay, row_at(lay, row)->flow);
    uint32_t i, hops = 0;

    if (!quota_limits(lay, f->client))
        return NONE;
    for (i = f->head; i != row; i = row_at(lay, i)->next) {
        if (eligible_takes_turn(lay, i))
            return i;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return NONE;
}

int64_t position_own_eta(struct layout *lay, uint32_t row, int64_t first,
                         int64_t now)
{
    const struct lay_flow *f = flow_at(lay, row_at(lay, row)->flow);
    struct quota_sum up_to;

    if (!quota_limits(lay, f->client))
        return now;
    up_to = line_sum(lay, f, row);
    if (first == NEVER) /* others of its line may pass it */
        first = now;
    return max_i64(quota_eta(lay, f->client, up_to, now),
                   first + quota_after_first(lay, f->client, up_to));
}

uint64_t position_key(struct layout *lay, uint32_t row, uint32_t nth)
{
    const struct lay_row *r = row_at(lay, row);
    const struct lay_flow *f = flow_at(lay, r->flow);
    const struct lay_class *c = class_at(scope_at(lay, f->scope), f->cls);

    return flow_start(c, f) + nth * flow_step(f);
}
