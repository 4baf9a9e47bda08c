/*
 * model_limit.c - whose limit is it that refuses: the account's, or the
 * model's?
 *
 * A refusal is the model's until another model of the account is refused as
 * well, by a request that was sent later, with nothing passed in between.  A
 * pass of any other model ends that suspicion.  What the account is known to
 * have (a window that is full now, a rate) is the account's.
 *
 * While several models find out what their refusals meant, one at a time tries:
 * so a limit of the account costs the tries of two models, not of all.
 */
#include "state/policy/model_limit.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/scope.h"
#include "state/policy/window.h"

#define NEWCOMERS   8
#define NEWCOMER_NS (300 * NS_PER_MS) /* a refusal comes at once, or not */

bool model_limit_learns(struct layout *lay, uint32_t model)
{
    uint32_t owner = LAY_AT(lay, models, model, LAY_MODELS)->owner;

    return owner < LAY_UPSTREAMS && limits_in_force(lay, owner) &&
           lay->rules[owner].learns;
}

uint32_t model_limit_scope(struct layout *lay, uint32_t upstream,
                           uint32_t model)
{
    if (model == NONE || upstream >= LAY_UPSTREAMS ||
        !lay->rules[upstream].learns)
        return NONE;
    return LAY_UPSTREAMS + model;
}

/* ---- may one go? ---------------------------------------------------------------- */

/* Until when another model of UPSTREAM tries; NOW: none does. */
static int64_t other_tries_until(struct layout *lay, uint32_t upstream,
                                 uint32_t but, int64_t now)
{
    uint32_t i;

    for (i = scope_retreating(lay, LAY_UPSTREAMS); i < LAY_SCOPES;
         i = scope_retreating(lay, i + 1)) {
        const struct retreat *re = &lay->scopes[i].retreat;

        if (i != but && re->state == RETREAT_PROBING &&
            lay->models[i - LAY_UPSTREAMS].owner == upstream &&
            scope_is_probed(lay, i, now))
            return re->until_ns;
    }
    return now;
}

static int64_t window_free_at(struct layout *lay, uint32_t model,
                              uint32_t limit, int64_t now)
{
    uint32_t scope = LAY_UPSTREAMS + model;
    int64_t span = limits_span_ns(limits_of(lay, scope)), sent;
    uint64_t open = LAY_AT(lay, model_states, model, LAY_MODELS)->open;
    uint64_t used = window_weight_after(lay, scope, now - span) + open;

    if (used < limit)
        return now;
    if (!window_frees(lay, scope,
                      lay->scopes[scope].window.weight + open + 1 - limit,
                      &sent))
        return NEVER;
    return max_i64(sent + span, now);
}

bool model_limit_is_new(struct layout *lay, uint32_t model)
{
    const struct retreat *re = &lay->scopes[LAY_UPSTREAMS + model].retreat;

    return re->state == RETREAT_NORMAL && re->passed_ns == 0 &&
           model_limit_learns(lay, model);
}

/* Of one that nobody knows the first go ahead, until one is answered or a
 * refusal would have come: they would all be refused. */
static int64_t newcomer_free_at(struct layout *lay, uint32_t model, int64_t now)
{
    const struct retreat *re = &lay->scopes[LAY_UPSTREAMS + model].retreat;

    if (LAY_AT(lay, model_states, model, LAY_MODELS)->in_flight < NEWCOMERS)
        return now;
    return re->window.hits == 0
               ? NEVER
               : max_i64(re->window.opened_ns + NEWCOMER_NS, now);
}

int64_t model_limit_free_at(struct layout *lay, uint32_t model, int64_t now)
{
    uint32_t scope = LAY_UPSTREAMS + model;
    const struct retreat *re = &scope_at(lay, scope)->retreat;
    uint32_t requests;
    int64_t at;

    if (!model_limit_learns(lay, model))
        return now;
    if (model_limit_is_new(lay, model))
        return newcomer_free_at(lay, model, now);
    if (re->state == RETREAT_NORMAL)
        return now;
    at = max_i64(scope_held_until(lay, scope, now), retreat_free_at(re));
    if (re->state == RETREAT_PROBING && at <= now)
        at = other_tries_until(lay, limits_upstream(lay, scope), scope, now);
    if (re->state != RETREAT_RECOVERING || re->window.allowance == 0)
        return at;
    requests = limits_of(lay, scope)->requests;
    return max_i64(
        at, window_free_at(lay, model, retreat_limit(re, requests), now));
}

void model_limit_sent(struct layout *lay, uint32_t row, int64_t at)
{
    const struct lay_row *r = row_at(lay, row);
    uint32_t scope = model_limit_scope(lay, r->scope, r->model);
    struct lay_scope *s;

    if (scope == NONE)
        return;
    s = scope_at(lay, scope);
    if (s->retreat.state == RETREAT_NORMAL && s->window.n == 0)
        return;
    window_expire(lay, scope, at - limits_span_ns(limits_of(lay, scope)));
    if (s->retreat.state != RETREAT_NORMAL && window_has_room(lay, scope))
        window_push(lay, scope, at, (struct take){r->weight, 0}, r->grant);
}

/* ---- whose is it? ---------------------------------------------------------------- */

/* Does the account know of a limit that this one has just met? */
static bool is_expected(struct layout *lay, const struct retreat *account,
                        uint32_t upstream, uint32_t model)
{
    const struct retreat_rule u = scope_retreat_rule(lay, upstream);

    switch (account->state) {
    case RETREAT_NORMAL:
        return false;
    case RETREAT_RECOVERING:
        if (account->find.opening)
            return lay->scopes[LAY_UPSTREAMS + model].retreat.passed_ns >
                   account->find.first_ns;
        return account->pace.gap_ns > 0 || retreat_is_at_limit(account, &u, 0);
    default:
        return true;
    }
}

uint32_t model_limit_blame(struct layout *lay, const struct lay_row *row)
{
    uint32_t scope = model_limit_scope(lay, row->scope, row->model);

    if (scope == NONE || (is_expected(lay, scope_retreat(lay, row->scope),
                                      row->scope, row->model) &&
                          scope_retreat(lay, scope)->state != RETREAT_PROBING))
        return row->scope;
    return scope;
}

static bool is_open(struct layout *lay, uint32_t scope, uint32_t upstream)
{
    const struct retreat *re = &lay->scopes[scope].retreat;

    return lay->models[scope - LAY_UPSTREAMS].owner == upstream &&
           retreat_is_finding_out(re) &&
           (re->state == RETREAT_HOLDING || re->state == RETREAT_PROBING);
}

bool model_limit_is_shared(struct layout *lay, uint32_t upstream,
                           uint32_t model, int64_t sent_ns)
{
    int64_t passed = scope_retreat(lay, upstream)->passed_ns;
    uint32_t i;

    if (passed >= sent_ns)
        return false;
    for (i = scope_retreating(lay, LAY_UPSTREAMS); i < LAY_SCOPES;
         i = scope_retreating(lay, i + 1)) {
        if (i != LAY_UPSTREAMS + model && is_open(lay, i, upstream) &&
            scope_retreat(lay, i)->refused_ns > passed)
            return true;
    }
    return false;
}

void model_limit_each_open(struct layout *lay, uint32_t upstream,
                           void (*fn)(void *arg, uint32_t scope), void *arg)
{
    uint32_t i;

    for (i = scope_retreating(lay, LAY_UPSTREAMS); i < LAY_SCOPES;
         i = scope_retreating(lay, i + 1)) {
        if (is_open(lay, i, upstream))
            fn(arg, i);
    }
}
