/*
 * How does one client stand?
 */
#ifndef SLUICE_STANDING_H
#define SLUICE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

struct limiter_standing {
    uint32_t used; /* of its own limit, open requests included */
    int64_t
        opens_ns; /* from now, until one more may go by that limit; 0: now */
    uint32_t waiting, in_flight;
};

/* Of the client NAME, whose limit is PER_MIN requests a minute (0: none).  One
 * that nobody knows has used nothing.  False: the state is busy, ask again. */
MUST_USE bool limiter_standing(struct limiter *lim, const char *name,
                               uint32_t per_min, int64_t now,
                               struct limiter_standing *out);

#endif
