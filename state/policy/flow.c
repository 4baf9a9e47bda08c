/*
 * flow.c - which line does a row stand in, and where in it?
 *
 * A flow is what a client has in one class of one scope: a line of rows by
 * arrival, and its virtual times.  Found through hash chains.  It is in its
 * class' list while it has rows, and lives on without them only while it is in
 * debt (finish > V).
 */
#include "state/policy/flow.h"

#include "state/policy/layout.h"
#include "state/policy/virtual_time.h"

/* ---- flows ----------------------------------------------------------- */

static uint32_t *bucket_of(struct layout *lay, uint32_t scope, uint32_t cls,
                           uint32_t client)
{
    uint32_t h = (scope * 3 + cls) * 2654435761u ^ client * 40503u;

    return &lay->flow_hash[(h ^ h >> 16) & (LAY_BUCKETS - 1)];
}

static struct lay_class *class_of(struct layout *lay, const struct lay_flow *f)
{
    return class_at(scope_at(lay, f->scope), f->cls);
}

void flow_free(struct layout *lay, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);
    uint32_t *at = bucket_of(lay, f->scope, f->cls, f->client);
    uint32_t hops = 0;

    while (*at != i) {
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow chain");
        at = &flow_at(lay, *at)->chain;
    }
    *at = f->chain;
    f->used = 0;
    f->next = lay->live.free_flow;
    lay->live.free_flow = i;
}

/* Frees idle flows that owe nothing; if all do, the one that owes least. */
static void flows_collect(struct layout *lay)
{
    uint32_t i, least = NONE;
    uint64_t least_debt = UINT64_MAX;

    for (i = 0; i < LAY_FLOWS; i++) {
        struct lay_flow *f = &lay->flows[i];
        uint64_t v, debt;

        if (!f->used || f->n > 0)
            continue;
        v = class_of(lay, f)->v;
        debt = f->finish > v ? f->finish - v : 0;
        if (debt == 0) {
            flow_free(lay, i);
        } else if (debt < least_debt) {
            least_debt = debt;
            least = i;
        }
    }
    if (lay->live.free_flow == NONE && least != NONE)
        flow_free(lay, least);
}

uint32_t flow_find(struct layout *lay, const struct lay_row *r)
{
    uint32_t i = *bucket_of(lay, r->scope, r->cls, r->client);
    uint32_t hops = 0;

    while (i != NONE) {
        const struct lay_flow *f = flow_at(lay, i);

        if (f->scope == r->scope && f->cls == r->cls && f->client == r->client)
            return i;
        if (++hops > LAY_FLOWS)
            sigbus_damaged("flow chain");
        i = f->chain;
    }
    return NONE;
}

static uint32_t make(struct layout *lay, const struct lay_row *r)
{
    uint32_t *bucket = bucket_of(lay, r->scope, r->cls, r->client);
    struct lay_flow *f;
    uint32_t i;

    if (lay->live.free_flow == NONE)
        flows_collect(lay);
    i = lay->live.free_flow;
    if (i == NONE)
        return NONE;
    f = flow_at(lay, i);
    lay->live.free_flow = f->next;
    f->scope = r->scope;
    f->cls = r->cls;
    f->client = r->client;
    f->start = f->finish = 0;
    f->head = f->tail = f->prev = f->next = NONE;
    f->n = 0;
    f->chain = *bucket;
    __atomic_store_n(&f->used, 1, __ATOMIC_RELEASE);
    *bucket = i;
    return i;
}

uint32_t flow_find_or_make(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    uint32_t i = flow_find(lay, r);

    if (i == NONE)
        i = make(lay, r);
    if (i != NONE)
        flow_at(lay, i)->share = r->share; /* the newest word on it counts */
    return i;
}

/* ---- lists ----------------------------------------------------------- */

void flow_join_class(struct layout *lay, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);
    struct lay_class *c = class_of(lay, f);

    f->prev = NONE;
    f->next = c->flows;
    if (c->flows != NONE)
        flow_at(lay, c->flows)->prev = i;
    c->flows = i;
}

void flow_leave_class(struct layout *lay, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);
    struct lay_class *c = class_of(lay, f);

    if (f->prev == NONE)
        c->flows = f->next;
    else
        flow_at(lay, f->prev)->next = f->next;
    if (f->next != NONE)
        flow_at(lay, f->next)->prev = f->prev;
    f->prev = f->next = NONE;
}

/* The row of a line after which one that came at ARRIVAL belongs; NONE: before
 * all.  Nearly always that is at its end, and for one that comes back near its
 * head: so both ends are looked at in turn. */
static uint32_t line_place(struct layout *lay, const struct lay_flow *f,
                           int64_t arrival)
{
    uint32_t after = f->tail, before = f->head, hops = 0;

    while (after != NONE && row_at(lay, after)->arrival > arrival) {
        if (row_at(lay, before)->arrival > arrival)
            return row_at(lay, before)->prev;
        before = row_at(lay, before)->next;
        after = row_at(lay, after)->prev;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return after;
}

void flow_line_up(struct layout *lay, uint32_t flow, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, flow);
    struct lay_row *r = row_at(lay, i);
    uint32_t after = line_place(lay, f, r->arrival);

    r->prev = after;
    r->next = after == NONE ? f->head : row_at(lay, after)->next;
    if (after == NONE)
        f->head = i;
    else
        row_at(lay, after)->next = i;
    if (r->next == NONE)
        f->tail = i;
    else
        row_at(lay, r->next)->prev = i;
    f->n++;
}

void flow_take_place(struct layout *lay, uint32_t flow, uint32_t in,
                     uint32_t out)
{
    struct lay_flow *f = flow_at(lay, flow);
    struct lay_row *r = row_at(lay, in), *o = row_at(lay, out);

    r->arrival = o->arrival;
    r->flow = flow;
    r->prev = o->prev;
    r->next = o->next;
    if (r->prev == NONE)
        f->head = in;
    else
        row_at(lay, r->prev)->next = in;
    if (r->next == NONE)
        f->tail = in;
    else
        row_at(lay, r->next)->prev = in;
    o->prev = o->next = o->flow = NONE;
}

void flow_step_out(struct layout *lay, uint32_t flow, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, flow);
    struct lay_row *r = row_at(lay, i);

    if (f->n == 0)
        sigbus_damaged("line length");
    if (r->prev == NONE)
        f->head = r->next;
    else
        row_at(lay, r->prev)->next = r->next;
    if (r->next == NONE)
        f->tail = r->prev;
    else
        row_at(lay, r->next)->prev = r->prev;
    r->prev = r->next = NONE;
    f->n--;
}

/* ---- after a crash --------------------------------------------------- */

void flow_rebuild(struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < LAY_BUCKETS; i++)
        lay->flow_hash[i] = NONE;
    lay->live.free_flow = NONE;
    for (i = LAY_FLOWS; i-- > 0;) {
        struct lay_flow *f = &lay->flows[i];
        uint32_t *bucket;

        f->head = f->tail = f->prev = f->next = NONE;
        f->n = 0;
        if (!f->used || f->scope >= LAY_SCOPES || f->cls >= LIMITER_CLASSES) {
            f->used = 0;
            f->next = lay->live.free_flow;
            lay->live.free_flow = i;
            continue;
        }
        virtual_time_clamp(&f->start, &f->finish, class_of(lay, f)->v,
                           flow_step(f));
        bucket = bucket_of(lay, f->scope, f->cls, f->client);
        f->chain = *bucket;
        *bucket = i;
    }
}
