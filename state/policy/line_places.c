/*
 * line_places.c - what would be if those of a line went one after the other?
 *
 * A forecast for each window that they may go to, and how many each model has
 * had: who takes a slot of it changes what the next one finds.
 */
#include "state/policy/line_places.h"

#include <string.h>

#include "state/policy/model_eta.h"
#include "state/policy/model_state.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"

void line_places_begin(struct line_eta *e, struct layout *lay, uint32_t line,
                       int64_t now)
{
    e->line = line;
    e->now = now;
    e->n = 0;
    if (lay->live.limited > 0)
        memset(e->model_nth, 0, sizeof(e->model_nth));
}

struct line_place *line_places_of(struct line_eta *e, struct layout *lay,
                                  uint32_t scope)
{
    struct line_place *p;
    struct admit_ask ask;
    uint32_t i;

    for (i = 0; i < e->n; i++)
        if (e->places[i].scope == scope)
            return &e->places[i];
    if (e->n == LINE_PLACES)
        return NULL;
    p = &e->places[e->n];
    p->scope = scope;
    p->next_ns = p->before_ns = 0;
    admit_rules_ask(&ask, lay, scope, e->now);
    forecast_begin(&p->forecast, &ask, e->times[e->n],
                   ask.r->tokens > 0 ? e->takes[e->n] : NULL);
    e->n++;
    return p;
}

/* What ROW, or any, takes there. */
static struct take take_of(struct layout *lay, const struct line_place *p,
                           uint32_t row)
{
    return row == NONE ? forecast_each(&p->forecast)
                       : tokens_at(lay, row, p->scope);
}

int64_t line_places_slot(struct layout *lay, struct line_place *p, uint32_t row)
{
    struct forecast f = p->forecast;
    bool is_plain = f.ask.r->tokens == 0;
    int64_t at;

    /* One tries it, in time: what comes of that nobody can say. */
    if (model_state_is_held(lay, f.ask.upstream))
        return NEVER;
    if (is_plain && p->next_ns != 0)
        return p->next_ns;
    at = forecast_next(&f, take_of(lay, p, row));
    if (is_plain)
        p->next_ns = at;
    return at;
}

int64_t line_places_go(struct line_eta *e, struct layout *lay,
                       struct line_place *p, uint32_t row)
{
    uint32_t n = p->forecast.n;
    struct take what = take_of(lay, p, row);
    int64_t at = forecast_next(&p->forecast, what);

    if (n < LAY_ROWS)
        e->times[p - e->places][n] = at;
    if (n < LAY_ROWS && p->forecast.takes != NULL)
        e->takes[p - e->places][n] = what;
    p->next_ns = 0;
    return at;
}

int64_t line_places_of_model(struct line_eta *e, struct layout *lay,
                             uint32_t model)
{
    return model == NONE || lay->live.limited == 0
               ? e->now
               : model_eta(lay, model, e->model_nth[model], e->now);
}

int64_t line_places_take(struct line_eta *e, struct layout *lay, uint32_t row,
                         uint32_t k)
{
    struct wants_place c = wants_place(lay, row, k);
    struct line_place *p = line_places_of(e, lay, c.scope);
    int64_t at = line_places_of_model(e, lay, c.model);

    if (p == NULL)
        return NEVER;
    at = max_i64(at, line_places_go(e, lay, p, row));
    if (c.model != NONE && lay->live.limited > 0)
        e->model_nth[c.model]++;
    return at;
}

int64_t line_places_of_kept(struct line_eta *e, struct layout *lay,
                            uint32_t row)
{
    uint32_t model = wants_home(lay, row).model;
    int64_t at = line_places_of_model(e, lay, model);

    if (model != NONE && lay->live.limited > 0)
        e->model_nth[model]++;
    return at;
}
