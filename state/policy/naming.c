/*
 * naming.c - a new client or model comes: whose row may it have?
 *
 * One that nobody refers to.  But a model, or a client with a limit, that has
 * sends in its window must stay, or its limit would be forgotten with it.
 */
#include "state/policy/naming.h"

#include <stdbool.h>

#include "state/policy/admit.h"
#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/model_state.h"
#include "state/policy/names.h"
#include "state/policy/quota.h"

static bool client_is_needed(struct layout *lay, uint32_t i, int64_t now)
{
    return lay->clients[i].refs > 0 || quota_is_needed(lay, i, now);
}

/* Nobody else looks at a scope without waiters: what has expired is dropped
 * here, or a table full of old models would stay full. */
static bool model_is_needed(struct layout *lay, uint32_t i, int64_t now)
{
    uint32_t upstream = limits_upstream(lay, LAY_UPSTREAMS + i);

    if (lay->models[i].refs > 0 ||
        ejection_is_on(&model_state_at(lay, i)->ejection, now))
        return true;
    if (!limits_in_force(lay, upstream))
        return limits_may_count(lay, LAY_UPSTREAMS + i, now);
    admit_refresh(lay, LAY_UPSTREAMS + i, now);
    return lay->scopes[LAY_UPSTREAMS + i].window.n > 0 ||
           limits_gap_runs(lay, LAY_UPSTREAMS + i, now) ||
           lay->scopes[LAY_UPSTREAMS + i].retreat.state != RETREAT_NORMAL;
}

static void forget_model(struct layout *lay, uint32_t i)
{
    model_state_forget(lay, i);
}

static void forget_client(struct layout *lay, uint32_t i)
{
    quota_forget(lay, i);
}

uint32_t naming_client(struct layout *lay, const char *name, int64_t now)
{
    static const struct names_makers makers = {client_is_needed, forget_client};

    return names_make(lay, NAMES_CLIENTS, 0, name, names_hash(name), &makers,
                      now);
}

uint32_t naming_model_of(struct layout *lay, uint32_t upstream,
                         const char *name, uint64_t hash, int64_t now)
{
    static const struct names_makers makers = {model_is_needed, forget_model};

    return names_make(lay, NAMES_MODELS, upstream, name, hash, &makers, now);
}

uint32_t naming_model(struct layout *lay, uint32_t upstream, const char *name,
                      int64_t now)
{
    return naming_model_of(lay, upstream, name, names_hash(name), now);
}
