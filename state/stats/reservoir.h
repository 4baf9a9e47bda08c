/*
 * How are the last some hundred values spread?  Counts in half octaves that
 * are halved when there are many: small, and what is old fades.
 */
#ifndef SLUICE_RESERVOIR_H
#define SLUICE_RESERVOIR_H

#include <stdint.h>

#define SPREAD_STEPS 39
#define SPREAD_FULL  512 /* then all counts are halved */

/* Where the first step ends; the last one begins 2^18.5 times above it. */
#define SPREAD_TIME  UINT64_C(2000) /* microseconds of a request's phase */
#define SPREAD_GAP   UINT64_C(100)  /* microseconds between two tokens */
#define SPREAD_SPEED UINT64_C(100)  /* thousandths of a token per second */
#define SPREAD_BYTES UINT64_C(64)   /* of a body */

/* All zeros: no value yet.  Any bytes are a spread, if a wrong one. */
struct reservoir {
    uint16_t n[SPREAD_STEPS];
    uint16_t sum;
};

/* VALUE, TIMES times (at most SPREAD_FULL); BASE is one of the above, always
 * the same one for one spread. */
void reservoir_add(struct reservoir *s, uint64_t base, uint64_t value,
                   uint32_t times);
/* Adds all that is in MORE, which has the same base. */
void reservoir_merge(struct reservoir *s, const struct reservoir *more);
/* The value that PERCENT of them do not exceed, or nearly; -1: there is
 * none. */
double reservoir_at(const struct reservoir *s, uint64_t base, unsigned percent);

#endif
