/*
 * What one model, or one client, did in one moment.
 */
#ifndef SLUICE_LEDGER_ROW_H
#define SLUICE_LEDGER_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"
#include "state/stats/quantiles.h"

#define LEDGER_POOLS 3

/*
 * 128 bytes, two lines of the cache.  Sums end at 2^32 - 1, which means so many,
 * or more.  A histogram is halved when a bucket is full: what it tells is how
 * values are spread, and never how many there were.
 */
struct lay_ledger_row {
    uint32_t when; /* its begin, in steps of its pool since 1970; 0: no row.
                    * Stored last */
    uint32_t id;   /* whose (ledger_id()) */
    uint32_t requests, ok, errors; /* ended; well; not well, by no fault of
                                    * the client's */
    uint32_t refused;              /* answers of 429 on their way */
    uint32_t streams, sends;       /* of the requests; of them, on the wire */
    uint32_t answers, told;        /* as in upstream_sends */
    uint32_t tokens_in, tokens_out;
    uint64_t bytes_in, bytes_out; /* bodies from and to clients */
    uint32_t queue_ms, first_byte_ms, answer_ms; /* sums of */
    uint32_t queue_n, first_byte_n, answer_n;    /* so many */
    uint16_t queue[PAST_BUCKETS], first_byte[PAST_BUCKETS];
};

/* Moments of STEP_S seconds: N rows, from the FIRST in the table on. */
struct ledger_pool {
    int64_t step_s;
    uint32_t n, first;
};
extern const struct ledger_pool ledger_pools[LEDGER_POOLS];

/* The request that N tells of. */
void ledger_row_add(struct lay_ledger_row *r, const struct limiter_note *n);
/* Can it be a row of POOL?  Then *T is its begin. */
bool ledger_row_is(const struct lay_ledger_row *r, uint32_t pool, int64_t *t);

#endif
