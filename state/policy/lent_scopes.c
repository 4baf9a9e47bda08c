/*
 * lent_scopes.c - which scopes have their slots from a store, and who waits for
 * them?
 */
#include "state/policy/lent_scopes.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/slot_source.h"

#define RECENT_NS (10 * NS_PER_S) /* who sent so lately keeps slots in hand */

uint32_t lent_line(const struct layout *lay, uint32_t scope)
{
    if (scope < LAY_UPSTREAMS && lay->rules[scope].line > 0 &&
        lay->rules[scope].line <= LAY_UPSTREAMS)
        return lay->rules[scope].line - 1;
    return scope;
}

uint32_t lent_waiting(struct layout *lay, uint32_t scope)
{
    return scope_at(lay, lent_line(lay, scope))->waiting;
}

bool lent_has_window(const struct layout *lay, uint32_t scope)
{
    uint32_t model = scope - LAY_UPSTREAMS, owner = scope;

    if (scope >= LAY_UPSTREAMS) {
        if (!lay->models[model].used)
            return false;
        owner = lay->models[model].owner;
    }
    return lay->scopes[scope].source == SLOTS_SHARED &&
           limits_in_force(lay, owner) &&
           (lay->rules[owner].per_model != 0) == (scope >= LAY_UPSTREAMS);
}

bool lent_is_recent(struct layout *lay, uint32_t scope, int64_t now)
{
    int64_t last = scope_at(lay, scope)->last_send_ns;

    return last > 0 && last > now - RECENT_NS;
}
