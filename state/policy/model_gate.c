/*
 * model_gate.c - may requests of this model go now?
 *
 * What its ejection, its concurrency and its own refusals say together
 * (model_state.c, model_limit.c).
 */
#include "state/policy/model_gate.h"

#include "state/policy/layout.h"
#include "state/policy/model_limit.h"
#include "state/policy/model_state.h"

bool model_gate_block(struct layout *lay, uint32_t model, int64_t now)
{
    const struct lay_model_state *t;

    if (model == NONE)
        return false;
    t = model_state_at(lay, model);
    return model_limit_free_at(lay, model, now) > now ||
           ejection_is_on(&t->ejection, now) ||
           concurrency_blocks(&t->concurrency, t->in_flight, now);
}

bool model_gate_is_limited(struct layout *lay, uint32_t model)
{
    const struct lay_model_state *t = model_state_at(lay, model);

    return t->ejection.until_ns != 0 || t->concurrency.limit != 0 ||
           t->concurrency.rest_ns != 0 ||
           lay->scopes[LAY_UPSTREAMS + model].retreat.state != RETREAT_NORMAL ||
           model_limit_is_new(lay, model);
}

bool model_gate_block_all(struct layout *lay, uint32_t scope, int64_t now)
{
    uint32_t i, n = 0;

    if (scope >= LAY_UPSTREAMS)
        return model_gate_block(lay, scope - LAY_UPSTREAMS, now);
    for (i = 0; i < LAY_MODELS; i++) {
        /* Some may still wait in its own scope, if those were just given up. */
        uint32_t here = lay->model_states[i].waiting -
                        lay->scopes[LAY_UPSTREAMS + i].waiting;

        if (here > 0 && lay->models[i].owner == scope &&
            model_gate_block(lay, i, now))
            n += here;
    }
    return n >= scope_at(lay, scope)->waiting;
}

int64_t model_gate_free_at(struct layout *lay, uint32_t model, int64_t now)
{
    const struct lay_model_state *t = model_state_at(lay, model);
    int64_t own = model_limit_free_at(lay, model, now);

    if (own == NEVER)
        return NEVER;
    now = own;
    if (t->concurrency.limit > 0 && t->in_flight >= t->concurrency.limit)
        return NEVER;
    if (concurrency_rests(&t->concurrency, now))
        return max_i64(t->concurrency.rest_ns, t->ejection.until_ns);
    return max_i64(t->ejection.until_ns, now);
}
