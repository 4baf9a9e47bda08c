/*
 * line_eta.c - several upstreams, one line: when will each go?
 *
 * Where all that wait can go to the same, the line is gone through in its order,
 * and each goes where it would be sent first: by that upstream's window and all
 * that admission asks (admit_rules.c), and by what it likes better and would wait
 * for.  A forecast for each window remembers who went before.  Else who is behind
 * may overtake: line_race.c.
 */
#include "state/policy/line_eta.h"

#include <string.h>

#include "state/policy/limits.h"
#include "state/policy/line_race.h"
#include "state/policy/wants.h"

/* ---- where all can go to the same ----------------------------------------------- */

/* When ROW could go by its K-th choice. */
static int64_t eta_by(struct line_eta *e, struct layout *lay, uint32_t row,
                      uint32_t k)
{
    struct wants_place c = wants_place(lay, row, k);
    struct line_place *p =
        c.scope == NONE ? NULL : line_places_of(e, lay, c.scope);
    int64_t at = p == NULL ? NEVER : line_places_slot(lay, p, row);

    return at == NEVER ? NEVER
                       : max_i64(at, line_places_of_model(e, lay, c.model));
}

/* The earliest of them, and which; NONE: nobody can say of any.  They are sorted
 * by rank: a lower one goes before, as far as its patience goes. */
static uint32_t best_of(struct line_eta *e, struct layout *lay, uint32_t row)
{
    const struct lay_want *w = want_at(lay, row);
    uint32_t best = NONE, k;
    int64_t when = NEVER;

    for (k = w->n; k-- > 0;) {
        int64_t at = eta_by(e, lay, row, k);
        int64_t leeway =
            best != NONE && w->choice[best].rank > w->choice[k].rank
                ? w->choice[k].patience * WANTS_PATIENCE_NS
                : 0;

        if (at == NEVER || (best != NONE && at > when + leeway))
            continue;
        when = at;
        best = k;
    }
    return best;
}

static int64_t eta_of(struct line_eta *e, struct layout *lay, uint32_t row)
{
    uint32_t k;

    if ((row_at(lay, row)->flags & ROW_KEPT) != 0)
        return line_places_of_kept(e, lay, row);
    k = best_of(e, lay, row);
    return k == NONE ? NEVER : line_places_take(e, lay, row, k);
}

/* Have two rows the same choices?  By what name a model is known does not
 * matter. */
static bool want_alike(struct layout *lay, uint32_t a, uint32_t b)
{
    const struct lay_want *wa = want_at(lay, a), *wb = want_at(lay, b);
    uint32_t k;

    if (wa->n != wb->n)
        return false;
    for (k = 0; k < wa->n && k < LIMITER_CHOICES; k++)
        if (wa->choice[k].upstream != wb->choice[k].upstream ||
            wa->choice[k].rank != wb->choice[k].rank ||
            wa->choice[k].patience != wb->choice[k].patience)
            return false;
    return true;
}

/* Notes who waits and in which order; do all want the same? */
static bool look(struct line_eta *e, struct layout *lay)
{
    uint32_t row, first = NONE, n = 0;
    bool alike = lay->live.limited == 0;

    line_order_begin(&e->order, lay, e->line);
    while ((row = line_order_next(&e->order)) != NONE) {
        e->id[row] = row_at(lay, row)->id;
        e->position[row] = n++;
        e->eta[row] = LINE_OPEN;
        first = first == NONE ? row : first;
        alike = alike && want_alike(lay, row, first);
    }
    return alike;
}

/* In their order, each where it would be sent first. */
static void go_in_order(struct line_eta *e, struct layout *lay)
{
    uint32_t row;

    line_order_begin(&e->order, lay, e->line);
    while ((row = line_order_next(&e->order)) != NONE) {
        if (e->eta[row] != LINE_OPEN)
            continue;
        e->eta[row] = worker_at(lay, row_at(lay, row)->worker)->stalled
                          ? NEVER
                          : eta_of(e, lay, row);
    }
}

void line_eta_all(struct line_eta *e, struct layout *lay, uint32_t line,
                  int64_t now)
{
    line_places_begin(e, lay, line, now);
    if (!look(e, lay))
        line_race(e, lay);
    go_in_order(e, lay);
}

int64_t line_eta_nth(struct line_eta *e, struct layout *lay, uint32_t line,
                     uint32_t k, int64_t now)
{
    struct line_place *best, *p;
    int64_t at = NEVER;
    uint32_t i;

    line_places_begin(e, lay, line, now);
    for (i = 0; i < LAY_UPSTREAMS; i++)
        if (wants_line(lay, i) == line && limits_in_force(lay, i))
            (void)line_places_of(e, lay, i);
    do {
        best = NULL;
        for (i = 0; i < e->n; i++) {
            p = &e->places[i];
            if (best == NULL || line_places_slot(lay, p, NONE) <
                                    line_places_slot(lay, best, NONE))
                best = p;
        }
        if (best != NULL)
            at = line_places_go(e, lay, best, NONE);
    } while (best != NULL && at != NEVER && k-- > 0);
    e->line = NONE; /* nothing is known of those that wait */
    return at;
}
