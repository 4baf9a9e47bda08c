/*
 * How does one client stand?
 */
#ifndef SLUICE_STANDING_H
#define SLUICE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

/* A client's own limits.  0: there is none. */
struct limiter_own_limits {
    uint32_t requests_per_min, tokens_per_min;
    uint64_t tokens_per_day;
};

/* How one of them stands, open requests included. */
struct limiter_used {
    uint64_t used, left; /* of a limit that there is */
    int64_t opens_ns;    /* from now, until one more may go by it; 0: now */
};

struct limiter_standing {
    struct limiter_used requests, tokens, day; /* day: tokens of 24 hours */
    uint32_t waiting, in_flight;
};

/* Of the client NAME, whose limits are OWN.  One that nobody knows has used
 * nothing.  False: the state is busy, ask again. */
MUST_USE bool limiter_standing(struct limiter *lim, const char *name,
                               const struct limiter_own_limits *own,
                               int64_t now, struct limiter_standing *out);

#endif
