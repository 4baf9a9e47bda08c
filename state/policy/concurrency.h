/*
 * How many requests in flight does a model bear?
 */
#ifndef SLUICE_CONCURRENCY_H
#define SLUICE_CONCURRENCY_H

#include <stdbool.h>
#include <stdint.h>

/* Part of the shared file: any value is safe, if not sensible. */
struct concurrency {
    uint32_t limit;  /* in flight at once; 0: it never complained */
    uint32_t from;   /* in flight when it was first cut */
    uint32_t credit; /* fine answers since the limit last changed */
    uint32_t streak; /* refusals of a request that was alone, in a row */
    uint64_t grant;  /* what was granted up to this one is older than the cut */
    int64_t rest_ns; /* not before this time; 0: no rest */
};

struct concurrency_refusal {
    uint64_t grant, last_grant; /* the request's number, the newest there is */
    uint32_t in_flight;         /* with the one that was refused */
    int64_t retry_after_ns;     /* -1: none given */
};

/* True: it was cut for this one; false: that was known already. */
bool concurrency_cut(struct concurrency *c,
                     const struct concurrency_refusal *what, int64_t now);
/* GRANT was answered well.  True: the limit is gone. */
bool concurrency_grow(struct concurrency *c, uint64_t grant);
/* Has it to be left alone for some time? */
bool concurrency_rests(const struct concurrency *c, int64_t now);
/* Must the next request wait?  Rests are bounded here. */
bool concurrency_blocks(const struct concurrency *c, uint32_t in_flight,
                        int64_t now);

#endif
