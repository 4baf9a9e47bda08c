/*
 * rescope.c - the rules name another scope: where do the rows go?
 *
 * Rules say whether an upstream or each of its models has a window
 * (per_model).  When that changes, every row goes along: those that wait, into
 * the lines of the new scope, in the order of their arrival; offers are taken
 * back; those that are open or in flight count there from now on.  So no row is
 * ever admitted by a window that is not in force, or written into its log.
 *
 * What was sent before counts as a full window (limits.c), so logs of scopes
 * that are left are dropped, and holds with them: in doubt that costs a refusal.
 * Debts in virtual time are forgotten: all begin alike.
 *
 * Killed half way, each row is in the one scope or the other, and what is
 * counted is counted anew.  A repair unsettles every worker, and the first that
 * settles in moves the rest.
 */
#include "state/policy/rescope.h"

#include <stdbool.h>

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/naming.h"
#include "state/policy/row.h"
#include "state/policy/wants.h"
#include "state/policy/window.h"

/* Rows that have to move, as a heap: the latest arrival first. */
struct movers {
    uint32_t row[LAY_ROWS];
    uint32_t n;
};

static bool is_later(const struct layout *lay, uint32_t a, uint32_t b)
{
    return lay->rows[a].arrival > lay->rows[b].arrival;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t was = *a;

    *a = *b;
    *b = was;
}

static void sink(const struct layout *lay, uint32_t *row, uint32_t n,
                 uint32_t i)
{
    uint32_t child;

    for (; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_later(lay, row[child + 1], row[child]))
            child++;
        if (!is_later(lay, row[child], row[i]))
            return;
        swap(&row[child], &row[i]);
    }
}

/* By arrival: each then goes to the end of its new line. */
static void sort(const struct layout *lay, struct movers *m)
{
    uint32_t i;

    for (i = m->n / 2; i-- > 0;)
        sink(lay, m->row, m->n, i);
    for (i = m->n; i-- > 1;) {
        swap(&m->row[0], &m->row[i]);
        sink(lay, m->row, i, 0);
    }
}

/* Is SCOPE one that the rules of its upstream name? */
static bool is_named(struct layout *lay, uint32_t scope)
{
    bool of_model = scope >= LAY_UPSTREAMS;

    return of_model == (lay->rules[limits_upstream(lay, scope)].per_model != 0);
}

/* Is row I where the rules want it?  One that is under way counts where it went;
 * the others stand in the line that its upstream shares, if it shares one. */
static bool is_in_place(struct layout *lay, uint32_t i)
{
    const struct lay_row *r = row_at(lay, i);
    uint32_t line;

    if (row_is_in_flight(r))
        return is_named(lay, r->scope);
    line = wants_home_line(lay, i);
    return line == NONE ? !wants_has(lay, i) && is_named(lay, r->scope)
                        : wants_has(lay, i) && r->scope == line;
}

/* No line of row I is shared any more: it goes where it would have gone first. */
static void leave_choices(struct layout *lay, uint32_t i, int64_t now)
{
    struct wants_place p = wants_place(lay, i, 0);

    if (p.upstream < LAY_UPSTREAMS)
        row_move(lay, i, p.upstream, p.model, now);
    wants_drop(lay, i);
}

/* Into the line that it shares. */
static bool move_home(struct layout *lay, uint32_t i, int64_t now)
{
    uint32_t line = wants_home_line(lay, i);

    if (row_is_in_flight(row_at(lay, i)))
        return false;
    if (line == NONE) {
        if (wants_has(lay, i))
            leave_choices(lay, i, now);
        return false;
    }
    if (!wants_has(lay, i))
        wants_make_single(lay, i);
    row_move(lay, i, line, wants_place(lay, i, 0).model, now);
    return true;
}

/* A request that names no model has one of its own, as in row_scope(); so has
 * one whose name found no room.  With 256 models in use there may be none: then
 * it stays, and waits by the window where it is. */
static void move(struct layout *lay, uint32_t i, int64_t now)
{
    const struct lay_row *r = row_at(lay, i);
    uint32_t upstream, model = r->model;

    if (move_home(lay, i, now))
        return;
    upstream = limits_upstream(lay, r->scope);
    if (!lay->rules[upstream].per_model) {
        row_move(lay, i, upstream, model, now);
        return;
    }
    if (model == NONE)
        model = naming_model(lay, upstream, "(none)", now);
    if (model != NONE)
        row_move(lay, i, LAY_UPSTREAMS + model, model, now);
}

/* Nobody is in SCOPE any more. */
static void leave(struct layout *lay, uint32_t scope)
{
    const struct lay_scope *s = scope_at(lay, scope);

    if (s->waiting > 0 || s->in_flight > 0 || is_named(lay, scope))
        return;
    if (s->window.n > 0)
        window_expire(lay, scope, NEVER);
    if (s->retreat.state != RETREAT_NORMAL &&
        !(scope >= LAY_UPSTREAMS && limits_of(lay, scope)->learns))
        limits_forget_retreat(lay, scope);
}

static void leave_all(struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (limits_in_force(lay, i))
            leave(lay, i);
    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && limits_in_force(lay, lay->models[i].owner))
            leave(lay, LAY_UPSTREAMS + i);
}

/* Apart, because of its 32 KB of stack. */
__attribute__((noinline)) static void move_all(struct layout *lay, int64_t now)
{
    struct movers m;
    uint32_t i;

    m.n = 0;
    for (i = 0; i < lay->live.rows_high && i < LAY_ROWS; i++)
        if (lay->rows[i].state != ROW_FREE && !is_in_place(lay, i))
            m.row[m.n++] = i;
    sort(lay, &m);
    for (i = 0; i < m.n; i++)
        move(lay, m.row[i], now);
}

void rescope_rows(struct layout *lay, int64_t now)
{
    move_all(lay, now);
    leave_all(lay);
}
