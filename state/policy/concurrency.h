/*
 * How many requests in flight does a model bear?
 */
#ifndef SLUICE_CONCURRENCY_H
#define SLUICE_CONCURRENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/chance.h"

/* Part of the shared file: any value is safe, if not sensible. */
struct concurrency {
    uint32_t limit;     /* in flight at once; 0: it never complained */
    uint32_t size;      /* as many are known to be borne */
    uint32_t from;      /* in flight when it was first cut */
    uint32_t credit;    /* fine answers since the limit last changed, */
    uint32_t refused;   /* and refusals */
    uint32_t patience;  /* limits' worth of fine answers before one more */
    uint32_t streak;    /* refusals of a request that was alone, in a row */
    uint32_t took;      /* of the burst that was cut, answered well since */
    struct chance lone; /* those alone in flight: it refuses, whatever we do */
    uint64_t grant;  /* what was granted up to this one is older than the cut */
    int64_t rest_ns; /* not before this time; 0: no rest */
    int64_t span_ns; /* which was so long */
};

struct concurrency_refusal {
    uint64_t grant, last_grant; /* the request's number, the newest there is */
    uint32_t in_flight;         /* with the one that was refused */
    uint32_t told;              /* as many it bears, it says; 0: it does not */
    int64_t retry_after_ns;     /* -1: none given */
};

/* True: it was cut for this one; false: that was known already, or chance. */
bool concurrency_cut(struct concurrency *c,
                     const struct concurrency_refusal *what, int64_t now);
/* GRANT was answered well, with IN_FLIGHT there, it included.  True: the limit
 * is gone. */
bool concurrency_grow(struct concurrency *c, uint64_t grant,
                      uint32_t in_flight);
/* Has it to be left alone for some time? */
bool concurrency_rests(const struct concurrency *c, int64_t now);
/* For how long it does; 0: it does not. */
int64_t concurrency_rest_span(const struct concurrency *c, int64_t now);
/* Must the next request wait?  Rests are bounded here. */
bool concurrency_blocks(const struct concurrency *c, uint32_t in_flight,
                        int64_t now);

#endif
