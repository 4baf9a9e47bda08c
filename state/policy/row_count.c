/*
 * row_count.c - what does a row stand for?
 *
 * Every count marked (d) in layout.h that concerns rows is kept here: one
 * function that adds what a row in a state stands for, or takes it away.
 */
#include "state/policy/row_count.h"

#include "state/policy/layout.h"
#include "state/policy/model_state.h"
#include "state/policy/tokens.h"
#include "state/policy/wants.h"

static void count_lined(struct layout *lay, const struct lay_row *r, int sign)
{
    lay->live.waiting += (uint32_t)sign;
    lay->clients[r->client].lined += (uint32_t)sign;
    lay->quotas[r->client].lined_weight += (uint64_t)sign * r->weight;
    lay->quotas[r->client].lined_tokens +=
        (uint64_t)sign * tokens_of_client(lay, r).tokens;
}

static void count_open(struct layout *lay, const struct lay_row *r, int sign)
{
    struct lay_scope *s = scope_at(lay, r->scope);

    lay->live.open += (uint32_t)sign;
    lay->clients[r->client].open += (uint32_t)sign;
    lay->quotas[r->client].open_weight += (uint64_t)sign * r->weight;
    lay->quotas[r->client].open_tokens +=
        (uint64_t)sign * tokens_of_client(lay, r).tokens;
    if (r->model != NONE)
        model_state_at(lay, r->model)->open += (uint32_t)sign;
    s->open += (uint32_t)sign;
    s->open_weight += (uint64_t)sign * r->weight;
    s->open_tokens += (uint64_t)sign * tokens_of_scope(lay, r).tokens;
}

/* What a row stands for in its present state; SIGN is 1 or -1. */
void row_count_state(struct layout *lay, const struct lay_row *r, int sign)
{
    struct lay_scope *s = scope_at(lay, r->scope);
    struct lay_worker *w = worker_at(lay, r->worker);
    uint32_t d = (uint32_t)sign;

    if (r->client >= LAY_CLIENTS)
        sigbus_damaged("client index");
    if (r->state == ROW_WAITING || r->state == ROW_OFFERED ||
        r->state == ROW_ASIDE)
        count_lined(lay, r, sign);
    if (r->state == ROW_WAITING)
        s->lined_tokens += (uint64_t)sign * tokens_of_scope(lay, r).tokens;
    if (r->state == ROW_OFFERED) {
        lay->live.offered += d;
        w->offers += d;
    }
    if (r->state == ROW_OFFERED || r->state == ROW_OPEN)
        count_open(lay, r, sign);
    if (r->state == ROW_OPEN || r->state == ROW_SENT)
        lay->live.running += d;
    if (row_is_in_flight(r)) {
        s->in_flight += d;
        if (r->model != NONE)
            model_state_at(lay, r->model)->in_flight += d;
    }
}

/* What it stands for as long as it exists. */
void row_count_life(struct layout *lay, const struct lay_row *r, int sign)
{
    uint32_t d = (uint32_t)sign;

    if (r->client >= LAY_CLIENTS)
        sigbus_damaged("client index");
    lay->clients[r->client].refs += d;
    if (r->model != NONE) {
        if (r->model >= LAY_MODELS)
            sigbus_damaged("model index");
        lay->models[r->model].refs += d;
    }
    wants_count(lay, (uint32_t)(r - lay->rows), sign);
    lay->live.held_bytes += (uint64_t)(int64_t)sign * r->body_bytes;
}

void row_count(struct layout *lay, uint32_t i)
{
    row_count_state(lay, row_at(lay, i), 1);
    row_count_life(lay, row_at(lay, i), 1);
}
