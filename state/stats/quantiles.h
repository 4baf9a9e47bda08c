/*
 * How are values spread?  A few counts from which any quantile can be told.
 */
#ifndef SLUICE_QUANTILES_H
#define SLUICE_QUANTILES_H

#include <stdint.h>

#define PAST_BUCKETS 10 /* of a histogram */

enum band {
    BAND_QUEUE = 0,      /* waiting, in microseconds */
    BAND_FIRST_BYTE = 1, /* the same of the first byte */
    BAND_SPEED = 2,      /* thousandths of tokens a second */
    BANDS = 3,
};

/* Counts VALUE, of that kind, in COUNTS[PAST_BUCKETS]. */
void quantiles_add(enum band kind, uint32_t *counts, int64_t value);
/* The value below which PERCENT of all lie, as far as the counts and the SUM of
 * all tell; SUM below 0: it is not known.  -1: there are none. */
int64_t quantiles_quantile(enum band kind, const uint64_t *counts, int64_t sum,
                           uint32_t percent);

#endif
