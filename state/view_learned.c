/*
 * view_learned.c - what holds a scope back, and what was learned of its limit,
 * for people?
 */
#include "state/policy/admit.h"
#include "state/policy/chance.h"
#include "state/policy/layout.h"
#include "state/policy/scope.h"
#include "state/view_copy.h"

void view_retreat_copy(struct layout *lay, uint32_t scope, int64_t now,
                       struct view_retreat *v)
{
    const struct retreat *re = scope_retreat(lay, scope);

    v->state = (enum retreat_state)re->state;
    v->age_ns = view_since(now, re->since_ns);
    v->ends_ns = -1;
    v->streak = re->find.tries;
    v->allowance = admit_limit(lay, scope);
    view_reason(v->reason, re->reason);
    if (v->state == RETREAT_HOLDING && re->until_ns <= now)
        v->state = RETREAT_PROBING; /* as soon as somebody comes */
    else if (v->state == RETREAT_HOLDING || v->state == RETREAT_RECOVERING ||
             (v->state == RETREAT_PROBING && re->probe_id != 0))
        v->ends_ns = max_i64(re->until_ns - now, 0);
}

void view_learned_copy(struct layout *lay, uint32_t scope, int64_t now,
                       struct view_learned *v)
{
    const struct retreat *re = scope_retreat(lay, scope);

    *v = (struct view_learned){.kind = (enum learned)re->learned,
                               .age_ns = view_since(now, re->learned_ns)};
    if (v->kind == LEARNED_WINDOW)
        v->requests = re->window.size;
    if (v->kind == LEARNED_RATE)
        v->gap_ns = re->pace.gap_ns;
    if (v->kind == LEARNED_LUCK)
        v->refused_permille = (uint32_t)(1000 * chance_share(&re->luck));
}
