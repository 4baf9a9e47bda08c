/*
 * queue.c - who goes next?
 *
 * What always holds while the lock is free:
 *   - a waiting row is in exactly one line, ordered by arrival;
 *   - a flow with n > 0 is in its class' list, one with n == 0 is not, and
 *     lives on only while it is in debt (finish > V);
 *   - start and finish of a flow never exceed V + 1/weight.
 *
 * Picking scans the flows of three classes: one comparison for each client
 * that waits.  A heap would only pay with thousands of clients in one class.
 * While a model is blocked, or a worker stalled, its rows are stepped over in
 * each line: at most all that wait, some nanoseconds each, and only then.  A
 * client at its own limit is stepped over with its whole line.
 */
#include "state/policy/queue.h"

#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/quota.h"
#include "state/policy/virtual_time.h"

/* ---- flows ----------------------------------------------------------- */

static uint32_t *flow_bucket(struct layout *lay, uint32_t scope, uint32_t cls,
                             uint32_t client)
{
    uint32_t h = (scope * 3 + cls) * 2654435761u ^ client * 40503u;

    return &lay->flow_hash[(h ^ h >> 16) & (LAY_BUCKETS - 1)];
}

static struct lay_class *class_of(struct layout *lay, const struct lay_flow *f)
{
    return class_at(scope_at(lay, f->scope), f->cls);
}

static void flow_free(struct layout *lay, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);
    uint32_t *at = flow_bucket(lay, f->scope, f->cls, f->client);
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

static uint32_t flow_find(struct layout *lay, const struct lay_row *r)
{
    uint32_t i = *flow_bucket(lay, r->scope, r->cls, r->client);
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

static uint32_t flow_make(struct layout *lay, const struct lay_row *r)
{
    uint32_t *bucket = flow_bucket(lay, r->scope, r->cls, r->client);
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

/* ---- lists ----------------------------------------------------------- */

static void class_link(struct layout *lay, struct lay_class *c, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);

    f->prev = NONE;
    f->next = c->flows;
    if (c->flows != NONE)
        flow_at(lay, c->flows)->prev = i;
    c->flows = i;
}

static void class_unlink(struct layout *lay, struct lay_class *c, uint32_t i)
{
    struct lay_flow *f = flow_at(lay, i);

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

/* Into the line by arrival. */
static void line_link(struct layout *lay, struct lay_flow *f, uint32_t i)
{
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

static void line_unlink(struct layout *lay, struct lay_flow *f, uint32_t i)
{
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

static void set_active(struct layout *lay, uint32_t scope, bool active)
{
    uint64_t bit = UINT64_C(1) << scope % 64;

    if (active)
        lay->live.active[scope / 64] |= bit;
    else
        lay->live.active[scope / 64] &= ~bit;
}

/* ---- blocked models and clients ---------------------------------------------------- */

bool queue_model_is_blocked(struct layout *lay, uint32_t row)
{
    return lay->live.limited > 0 &&
           model_state_block(lay, row_at(lay, row)->model, lay->live.now_ns);
}

bool queue_is_blocked(struct layout *lay, uint32_t row)
{
    return queue_model_is_blocked(lay, row) ||
           (lay->live.limited > 0 &&
            quota_blocks(lay, row_at(lay, row)->client, lay->live.now_ns));
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
        class_link(lay, c, flow);
    }
    line_link(lay, f, row);
    row_at(lay, row)->flow = flow;
    count_model(lay, row, 1);
    if (s->waiting++ == 0)
        set_active(lay, f->scope, true);
}

bool queue_insert(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);
    uint32_t i = flow_find(lay, r);

    if (i == NONE)
        i = flow_make(lay, r);
    if (i == NONE)
        return false;
    flow_at(lay, i)->weight = r->weight; /* the newest word on it counts */
    put_in_line(lay, i, row);
    return true;
}

void queue_remove(struct layout *lay, uint32_t row)
{
    uint32_t i = row_at(lay, row)->flow;
    struct lay_flow *f = flow_at(lay, i);
    struct lay_scope *s = scope_at(lay, f->scope);
    struct lay_class *c = class_at(s, f->cls);

    if (!queue_is_blocked(lay, row)) { /* what was measured stays true */
        f->may -= f->may > 0;
        c->may -= c->may > 0;
    }
    line_unlink(lay, f, row);
    row_at(lay, row)->flow = NONE;
    count_model(lay, row, -1);
    c->n--;
    if (--s->waiting == 0)
        set_active(lay, f->scope, false);
    if (f->n > 0)
        return;
    class_unlink(lay, c, i);
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

/* The first row of a line that may go and whose worker answers, or NONE. */
static uint32_t line_first(struct layout *lay, const struct lay_flow *f)
{
    uint32_t i = f->head;
    uint32_t hops = 0;

    if (lay->live.stalled == 0 && lay->live.limited == 0)
        return i;
    if (lay->live.limited > 0 && quota_blocks(lay, f->client, lay->live.now_ns))
        return NONE;
    while (i != NONE && (worker_at(lay, row_at(lay, i)->worker)->stalled ||
                         queue_model_is_blocked(lay, i))) {
        i = row_at(lay, i)->next;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return i;
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

/* ---- who may go at all ------------------------------------------------ */

void queue_measure(struct layout *lay, uint32_t scope)
{
    struct lay_scope *s = scope_at(lay, scope);
    uint32_t cls, i, row, hops = 0;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        struct lay_class *c = &s->cls[cls];

        c->may = 0;
        for (i = c->flows; i != NONE; i = flow_at(lay, i)->next) {
            struct lay_flow *f = flow_at(lay, i);
            uint32_t room = quota_room(lay, f->client, lay->live.now_ns);

            f->may = 0;
            for (row = f->head; row != NONE && f->may < room;
                 row = row_at(lay, row)->next) {
                f->may += !queue_model_is_blocked(lay, row);
                if (++hops > LAY_ROWS)
                    sigbus_damaged("line");
            }
            c->may += f->may;
        }
    }
}

/* From when on the client of flow F may send. */
static int64_t flow_free_at(struct layout *lay, const struct lay_flow *f)
{
    int64_t now = lay->live.now_ns;

    return quota_blocks(lay, f->client, now) ? quota_eta(lay, f->client, 0, now)
                                             : now;
}

/* The same of a row's model, if its worker answers. */
static int64_t row_free_at(struct layout *lay, uint32_t row)
{
    const struct lay_row *r = row_at(lay, row);

    if (worker_at(lay, r->worker)->stalled)
        return NEVER;
    return queue_model_is_blocked(lay, row)
               ? model_state_free_at(lay, r->model, lay->live.now_ns)
               : lay->live.now_ns;
}

/* The first of a line to be free before *WHEN, which then is told, or NONE. */
static uint32_t line_free_before(struct layout *lay, const struct lay_flow *f,
                                 int64_t *when)
{
    int64_t from = flow_free_at(lay, f);
    uint32_t i, best = NONE, hops = 0;

    for (i = f->head; i != NONE && from < *when; i = row_at(lay, i)->next) {
        int64_t at = max_i64(from, row_free_at(lay, i));

        if (at < *when) {
            *when = at;
            best = i;
        }
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return best;
}

uint32_t queue_next_free(struct layout *lay, uint32_t scope, int64_t *when)
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

int64_t queue_senior_arrival(struct layout *lay, uint32_t row)
{
    uint32_t i = flow_find(lay, row_at(lay, row)), hops = 0;

    if (i == NONE)
        return 0;
    for (i = flow_at(lay, i)->head; i != NONE; i = row_at(lay, i)->next) {
        const struct lay_row *r = row_at(lay, i);

        /* One that was granted before has come back, and is older still. */
        if ((r->flags & ROW_SENIOR) == 0 && r->grant == 0)
            return r->arrival - 1;
        if (++hops > LAY_ROWS)
            sigbus_damaged("line");
    }
    return 0;
}

/* ---- after a crash --------------------------------------------------- */

/* Virtual times beyond what the rules can produce are brought back.  Needs
 * V below 2^62: repair.c has looked. */
static void clamp(uint64_t *start, uint64_t *finish, uint64_t v, uint64_t step)
{
    if (*finish > v + step)
        *finish = v + step;
    if (*start > v + step)
        *start = v + step;
}

static void reset_flows(struct layout *lay)
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
        clamp(&f->start, &f->finish, class_of(lay, f)->v, flow_step(f));
        bucket = flow_bucket(lay, f->scope, f->cls, f->client);
        f->chain = *bucket;
        *bucket = i;
    }
}

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
            clamp(&s->cls[cls].start, &s->cls[cls].finish, s->v,
                  class_step(cls));
        }
    }
}

void queue_rebuild(struct layout *lay)
{
    uint32_t i;

    reset_scopes(lay);
    reset_flows(lay);
    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_WAITING && !queue_insert(lay, i))
            sigbus_damaged("flow table");
}
