/*
 * upstream_map.c - which row is this upstream's?
 *
 * fcgi/ knows an upstream by its place in the settings, the state by its row,
 * and both by its name.  Workers with other lists so share what they have in
 * common: while all are restarted, one after the other, with an upstream more,
 * one less, or in another order.  What comes in is translated where a turn takes
 * it (ticket_ops.c, verdicts.c, completions.c, readiness.c); what goes out has names.
 *
 * A worker says in its seat which rows it uses.  A row that
 * nobody uses keeps its name and its log, and is taken up again by that name;
 * another name gets it when no row without any is left, and then its window
 * counts as full.  Rules are those of the newest settings (operator.c); where
 * there are none in force, whoever takes the row brings its own.
 */
#include <string.h>

#include "state/policy/limits.h"
#include "state/upstream_map.h"
#include "state/worker.h"

static_assert(LAY_UPSTREAMS <= 32, "bits of a word");

static uint32_t bit(uint32_t row)
{
    return UINT32_C(1) << row;
}

static bool has_name(const struct layout *lay, uint32_t row, const char *name)
{
    return strncmp(lay->rules[row].name, name, sizeof(lay->rules[row].name)) ==
           0;
}

/* Needs the lock.  Rows that others use. */
static uint32_t rows_of_others(const struct limiter *lim)
{
    const struct layout *lay = lim->file.lay;
    uint32_t i, rows = 0;

    for (i = 0; i < lay->live.workers_high && i < LAY_WORKERS; i++)
        if (lay->workers[i].used && i != lim->seat)
            rows |= lay->workers[i].upstreams;
    return rows;
}

/* ---- a row for each of ours ------------------------------------------------ */

static uint32_t find(const struct layout *lay, const char *name, uint32_t taken)
{
    uint32_t row;

    for (row = 0; row < LAY_UPSTREAMS; row++)
        if ((taken & bit(row)) == 0 && has_name(lay, row, name))
            return row;
    return NONE;
}

/* Of those that are not TAKEN the first without a name, else the one that was
 * used last the longest time ago. */
static uint32_t find_room(struct layout *lay, uint32_t taken)
{
    uint32_t row, best = NONE;

    for (row = 0; row < LAY_UPSTREAMS; row++) {
        if ((taken & bit(row)) != 0 || limits_has_rows(lay, row))
            continue;
        if (lay->rules[row].name[0] == '\0')
            return row;
        if (best == NONE ||
            limits_last_send_ns(lay, row) < limits_last_send_ns(lay, best))
            best = row;
    }
    return best;
}

bool upstream_map_take(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i, taken = 0;

    for (i = 0; i < lim->set.n_upstreams; i++) {
        lim->places[i] = find(lay, lim->set.rules[i].name, taken);
        if (lim->places[i] != NONE)
            taken |= bit(lim->places[i]);
    }
    lim->rows = taken;
    taken |= rows_of_others(lim);
    for (i = 0; i < lim->set.n_upstreams; i++) {
        if (lim->places[i] != NONE)
            continue;
        lim->places[i] = find_room(lay, taken);
        if (lim->places[i] == NONE)
            return false;
        lim->rows |= bit(lim->places[i]);
        taken |= bit(lim->places[i]);
    }
    return true;
}

uint32_t upstream_map_of(const struct limiter *lim, uint32_t upstream)
{
    return upstream < lim->set.n_upstreams ? lim->places[upstream] : NONE;
}

/* ---- rules ------------------------------------------------------------------ */

/* LINE, which names an upstream of ours, names a row. */
static uint32_t line_of(const struct limiter *lim, uint32_t line)
{
    if (line == 0 || line > lim->set.n_upstreams)
        return 0;
    return lim->places[line - 1] + 1;
}

/*
 * Our rules for ROW.  Another scope needs a restart, so those that run on
 * follow newer settings and have still the old word for it: the word of whoever
 * began last holds.  Each worker that is started anew would be contradicted by
 * all that are not yet, else, and each change costs a full window.
 */
static void bring(struct limiter *lim, uint32_t row, struct limiter_rules *to,
                  const struct limiter_rules *ours)
{
    struct layout *lay = lim->file.lay;
    int64_t *since = &lay->live.scope_ns[row];
    uint32_t per_model = ours->per_model, learns = ours->learns;

    if (limits_in_force(lay, row) && has_name(lay, row, ours->name) &&
        *since > lim->opened_ns) {
        per_model = lay->rules[row].per_model;
        learns = lay->rules[row].learns;
    } else {
        *since = lim->opened_ns;
    }
    *to = *ours;
    to->per_model = per_model;
    to->learns = learns;
    to->line = line_of(lim, ours->line);
}

void upstream_map_rule(struct limiter *lim, bool lead)
{
    struct layout *lay = lim->file.lay;
    uint32_t used = rows_of_others(lim) | lim->rows, i, row;
    struct limiter_settings set = {.n_upstreams = LAY_UPSTREAMS};

    limits_tell_bounds(&lay->bounds, &set.bounds);
    if (lead)
        set.bounds = lim->set.bounds;
    for (row = 0; row < LAY_UPSTREAMS; row++)
        limits_tell(&lay->rules[row], &set.rules[row]);
    for (row = 0; row < LAY_UPSTREAMS; row++)
        if ((used & bit(row)) == 0)
            set.rules[row].requests = 0;
    for (i = 0; i < lim->set.n_upstreams; i++) {
        row = lim->places[i];
        if (lead || set.rules[row].requests == 0 ||
            !has_name(lay, row, lim->set.rules[i].name))
            bring(lim, row, &set.rules[row], &lim->set.rules[i]);
    }
    (void)limits_set(lay, &set, lim->now);
}
