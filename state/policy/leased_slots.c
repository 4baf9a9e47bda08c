/*
 * leased_slots.c - may this scope send, as far as a store of several machines
 * has lent it a slot?
 *
 * Our own log and rules are asked as well: whatever a store says, this host by
 * itself never sends more than its settings allow, and a hold that we know of
 * holds at once.  A verdict changes our own retreat, which the others hear of
 * (mirror.c).
 */
#include "state/policy/leased_slots.h"

#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/policy/local_slots.h"
#include "state/policy/tokens.h"

bool leased_slots_have(struct layout *lay, uint32_t scope, struct take what,
                       int64_t now, int64_t *when)
{
    if (!local_slots_have(lay, scope, what, now, when))
        return false;
    if (lay->store.state == STORE_ALONE ||
        leases_free(lay, scope, now) >= what.weight)
        return true;
    *when = leases_next_ns(lay, scope, now); /* else the answer brings it */
    return false;
}

/* The leader tells the store who waits (leader.c). */
void leased_slots_want(struct layout *lay, uint32_t scope, int64_t when,
                       int64_t now)
{
    (void)scope, (void)when, (void)now;
    if (lay->store.lines != lay->store.lines_told)
        lay->store.stirred = 1;
}

void leased_slots_take(struct layout *lay, uint32_t row, int64_t now)
{
    leases_take(lay, row, now);
    local_slots_take(lay, row, now);
}

void leased_slots_sent(struct layout *lay, uint32_t row, int64_t at)
{
    leases_sent(lay, row, tokens_of_scope(lay, row_at(lay, row)).tokens, at);
    local_slots_sent(lay, row, at);
}

void leased_slots_back(struct layout *lay, uint32_t row)
{
    leases_back(lay, row);
    local_slots_back(lay, row);
}
