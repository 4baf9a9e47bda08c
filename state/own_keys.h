/*
 * What do the upstreams say of our keys?
 */
#ifndef SLUICE_OWN_KEYS_H
#define SLUICE_OWN_KEYS_H

#include <stdint.h>

#include "lib/base.h"
#include "state/policy/own_key.h"

struct limiter;

/* Our key for UPSTREAM, an index into the settings, is the one of MARK: if the
 * state knows of another, that is forgotten.  AGAIN: also if it is the same.
 * *FORGOTTEN: so nothing is known of it.  False: the state is busy, ask again. */
MUST_USE bool limiter_key_is(struct limiter *lim, uint32_t upstream,
                             uint64_t mark, bool again, int64_t now,
                             bool *forgotten);
/* What a question of ours, which is no ticket, was told of it.  A change is
 * logged by the next turn.  False as above. */
MUST_USE bool limiter_key_told(struct limiter *lim, uint32_t upstream,
                               const struct own_key_told *told, int64_t now);

#endif
