/*
 * lent_order.c - whose is the slot that a store has lent to us?
 *
 * The store knows who waits at all hosts, and names the client and the class that
 * it gives a slot for.  Here that is the first of that line who may go: a model
 * that is busy, or a worker that does not answer, is stepped over as in our own
 * order.
 */
#include "state/policy/lent_order.h"

#include "state/policy/eligible.h"
#include "state/policy/flow.h"
#include "state/policy/layout.h"
#include "state/policy/leases.h"
#include "state/policy/lent_scopes.h"

static uint32_t given_for(struct layout *lay, const struct lay_lease *l)
{
    const struct lay_row like = {.scope = (uint16_t)lent_line(lay, l->scope),
                                 .cls = (uint16_t)l->cls,
                                 .client = l->client};
    uint32_t flow;

    if (l->client == NONE)
        return NONE;
    flow = flow_find(lay, &like);
    if (flow == NONE || flow_at(lay, flow)->n == 0)
        return NONE;
    return eligible_first(lay, flow_at(lay, flow),
                          (struct eligible_pick){PICK_READY, NULL});
}

/* In the order of their giving: the store gave the first one first. */
uint32_t lent_order_first(struct layout *lay, uint32_t scope, int64_t now)
{
    uint32_t k, i, row;

    for (k = 0; (i = leases_nth(lay, scope, k, now)) != NONE; k++) {
        row = given_for(lay, lease_at(lay, i));
        if (row != NONE)
            return row;
    }
    return NONE;
}
