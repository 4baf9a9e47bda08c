/*
 * lent_scopes.c - which scopes have their slots from a store, and who waits for
 * them?
 */
#include "state/policy/lent_scopes.h"

#include "state/policy/layout.h"
#include "state/policy/limits.h"
#include "state/policy/scope.h"
#include "state/policy/slot_source.h"
#include "state/policy/wants.h"

#define RECENT_NS (10 * NS_PER_S) /* who sent so lately keeps slots in hand */

uint32_t lent_line(const struct layout *lay, uint32_t scope)
{
    uint32_t line = scope < LAY_UPSTREAMS ? wants_line(lay, scope) : NONE;

    return line != NONE ? line : scope;
}

uint32_t lent_waiting(struct layout *lay, uint32_t scope)
{
    return scope_at(lay, lent_line(lay, scope))->waiting;
}

/* Of an upstream whose models have windows of their own, these are meant, and the
 * upstream's is not used. */
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

/* Who waits elsewhere takes turns with ours: one of theirs before each of ours, as
 * far as there are so many.  Rather too late than too early. */
int64_t lent_eta(struct layout *lay, uint32_t scope, uint32_t place,
                 int64_t now)
{
    const struct lay_store *st = &lay->store;
    const struct lay_room *room = room_at(lay, scope);
    const struct lay_scope *s = scope_at(lay, scope);
    const struct lay_rules *r;
    uint64_t before, used, limit;

    if (s->source != SLOTS_SHARED || st->state == STORE_ALONE)
        return now;
    if (st->state != STORE_UP)
        return NEVER;
    r = limits_of(lay, scope);
    limit = scope_limit(lay, scope, 1) > 0 ? scope_limit(lay, scope, 1) : 1;
    used = s->window.weight + s->open_weight + room->elsewhere;
    before = place + (room->waiting <= place ? room->waiting : place + 1u);
    if (st->full_ns > now)
        return st->full_ns + (int64_t)(before / limit) * limits_span_ns(r);
    if (used + before < limit)
        return now;
    before = used < limit ? before - (limit - used) : before;
    return max_i64(room->next_ns == NEVER ? now : room->next_ns, now) +
           (int64_t)(before / limit) * limits_span_ns(r);
}
