/*
 * line_race.c - who overtakes whom?
 *
 * Slot by slot, in time: for each the line is asked as slots_shared.c asks it,
 * who has the next turn of those that have a use for it.  That is a look at each
 * client for each slot, and at those it steps over: so it ends after LOOKS_MAX,
 * and the rest is foretold in order.
 */
#include "state/policy/line_race.h"

#include "state/policy/limits.h"
#include "state/policy/line_places.h"
#include "state/policy/virtual_time.h"
#include "state/policy/wants.h"

#define LOOKS_MAX 100000

struct race {
    struct line_eta *e;
    struct layout *lay;
    int64_t at;      /* the slots that are open then are given away */
    int64_t blocked; /* what stops some of those that look for one ends then */
    uint64_t v, class_v[LIMITER_CLASSES]; /* where virtual time stands */
    uint32_t looks;
};

/* One of its slots is open, or would be if anybody had a use for it. */
static int64_t opens_at(struct race *r, struct line_place *p)
{
    return max_i64(line_places_slot(r->lay, p, NONE), p->before_ns);
}

/* Does a better one than K come within its patience? */
static bool rather_waits(struct race *r, const struct lay_want *w, uint32_t row,
                         uint32_t k)
{
    uint32_t i;

    for (i = 0; i < k; i++) {
        struct wants_place c = wants_place(r->lay, row, i);
        struct line_place *p =
            w->choice[i].rank == w->choice[k].rank || c.scope == NONE
                ? NULL
                : line_places_of(r->e, r->lay, c.scope);

        if (p != NULL &&
            opens_at(r, p) - r->at <= w->choice[i].patience * WANTS_PATIENCE_NS)
            return true;
    }
    return false;
}

/* May ROW go by its K-th choice now?  Then *PLACE is whose slot that is. */
static bool may_take(struct race *r, uint32_t row, uint32_t k,
                     struct line_place **place)
{
    struct wants_place c = wants_place(r->lay, row, k);
    int64_t model;

    *place = c.scope == NONE ? NULL : line_places_of(r->e, r->lay, c.scope);
    if (*place == NULL || opens_at(r, *place) > r->at)
        return false;
    model = line_places_of_model(r->e, r->lay, c.model);
    if (model > r->at)
        r->blocked = min_i64(r->blocked, model);
    return model <= r->at;
}

/* What P will have in its window then, for its share. */
static double load_of(struct race *r, const struct line_place *p)
{
    const struct forecast *f = &p->forecast;
    const int64_t *times = r->e->times[p - r->e->places];
    int64_t from = r->at - limits_span_ns(f->ask.r);
    uint64_t n = window_weight_after(r->lay, p->scope, from);
    uint32_t i = f->n < LAY_ROWS ? f->n : LAY_ROWS;

    while (i > 0 && times[i - 1] > from) {
        n++;
        i--;
    }
    if (r->e->now > from) /* as if they were written now */
        n += f->ask.s->open_weight;
    return (double)(n + 1) / (f->ask.r->share > 0 ? f->ask.r->share : 1);
}

/* The choice by which ROW would go now, as wants_take() has it; or NONE. */
static uint32_t choice_of(struct race *r, uint32_t row)
{
    const struct lay_want *w = want_at(r->lay, row);
    struct line_place *p, *best_p = NULL;
    uint32_t k, best = NONE;

    for (k = 0; k < w->n && k < LIMITER_CHOICES; k++) {
        if (best != NONE && w->choice[k].rank != w->choice[best].rank)
            break;
        if (!may_take(r, row, k, &p) || rather_waits(r, w, row, k))
            continue;
        if (best != NONE && load_of(r, p) >= load_of(r, best_p))
            continue;
        best = k;
        best_p = p;
    }
    return best;
}

/* The first of a line that can go now, and by which choice; or NONE. */
static uint32_t first_of(struct race *r, struct line_cursor *c, uint32_t *k)
{
    uint32_t row = c->row;

    while (row != NONE && r->e->eta[row] != LINE_OPEN)
        row = row_at(r->lay, row)->next;
    c->row = row;
    for (; row != NONE; row = row_at(r->lay, row)->next) {
        if (++r->looks > LOOKS_MAX)
            return NONE;
        if (r->e->eta[row] != LINE_OPEN)
            continue;
        *k = choice_of(r, row);
        if (*k != NONE)
            return row;
    }
    return NONE;
}

/* Who goes next, of all. */
struct next {
    uint32_t row, k, cls;
    uint64_t start, class_start; /* of the flow, of the class */
    struct line_cursor *from;
};

static bool is_before(const struct layout *lay, const struct next *a,
                      const struct next *b)
{
    uint64_t x = a->cls == b->cls ? a->start : a->class_start;
    uint64_t y = a->cls == b->cls ? b->start : b->class_start;

    if (b->row == NONE || x != y)
        return b->row == NONE || x < y;
    return lay->rows[a->row].arrival < lay->rows[b->row].arrival;
}

static struct next next_of(struct race *r)
{
    struct line_order *o = &r->e->order;
    struct next best = {.row = NONE};
    uint32_t cls, i;

    for (cls = 0; cls < LIMITER_CLASSES; cls++) {
        struct next in_class = {.row = NONE};

        for (i = 0; i < o->n[cls] && r->looks <= LOOKS_MAX; i++) {
            struct line_cursor *c = &o->of[cls][i];
            struct next n = {.row = NONE,
                             .cls = cls,
                             .start = max_u64(r->class_v[cls], c->start),
                             .class_start = max_u64(r->v, o->start[cls]),
                             .from = c};

            r->looks++;
            if (in_class.row != NONE && n.start > in_class.start)
                continue;
            n.row = first_of(r, c, &n.k);
            if (n.row != NONE && is_before(r->lay, &n, &in_class))
                in_class = n;
        }
        if (in_class.row != NONE && is_before(r->lay, &in_class, &best))
            best = in_class;
    }
    return best;
}

/* Nobody has a use for what is open now: not before WHEN. */
static void shut(struct race *r, int64_t when)
{
    uint32_t i;

    for (i = 0; i < r->e->n; i++)
        if (opens_at(r, &r->e->places[i]) <= r->at)
            r->e->places[i].before_ns = when;
}

static void give(struct race *r, const struct next *n)
{
    struct line_order *o = &r->e->order;
    int64_t at = line_places_take(r->e, r->lay, n->row, n->k);

    r->e->eta[n->row] = max_i64(at, r->at);
    r->v = n->class_start;
    r->class_v[n->cls] = n->start;
    o->start[n->cls] = n->class_start + class_step(n->cls);
    n->from->start = n->start + flow_step(flow_at(r->lay, n->from->flow));
}

/* Those that have a slot, and those that nobody can tell of. */
static void set_aside(struct race *r)
{
    struct line_eta *e = r->e;
    uint32_t row;

    line_order_begin(&e->order, r->lay, e->line);
    while ((row = line_order_next(&e->order)) != NONE) {
        const struct lay_row *of = row_at(r->lay, row);
        uint32_t k;

        if (worker_at(r->lay, of->worker)->stalled)
            e->eta[row] = NEVER;
        else if ((of->flags & ROW_KEPT) != 0)
            e->eta[row] = line_places_of_kept(e, r->lay, row);
        for (k = 0; k < want_at(r->lay, row)->n && k < LIMITER_CHOICES; k++) {
            struct wants_place c = wants_place(r->lay, row, k);

            if (c.scope != NONE)
                (void)line_places_of(e, r->lay, c.scope);
        }
    }
    line_order_begin(&e->order, r->lay, e->line);
}

static int64_t next_time(struct race *r)
{
    int64_t at = NEVER;
    uint32_t i;

    for (i = 0; i < r->e->n; i++)
        at = min_i64(at, opens_at(r, &r->e->places[i]));
    return at;
}

void line_race(struct line_eta *e, struct layout *lay)
{
    struct race r = {.e = e, .lay = lay};
    struct next n;

    set_aside(&r);
    while ((r.at = next_time(&r)) != NEVER && r.looks <= LOOKS_MAX) {
        r.blocked = NEVER;
        n = next_of(&r);
        if (n.row != NONE)
            give(&r, &n);
        else if (r.looks <= LOOKS_MAX)
            shut(&r, r.blocked);
    }
}
