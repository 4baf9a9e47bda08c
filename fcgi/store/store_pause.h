/*
 * How long to wait before one connects again.
 */
#ifndef SLUICE_STORE_PAUSE_H
#define SLUICE_STORE_PAUSE_H

#include <stdint.h>

#include "lib/base.h"

#define STORE_PAUSE_LEAST_NS (50 * NS_PER_MS)
#define STORE_PAUSE_MOST_NS  (2 * NS_PER_S)

struct store_pause {
    unsigned fails; /* in a row */
    uint64_t seed;  /* not 0 */
};

/* Twice as long after each, and somewhere in its upper half: when a store comes
 * back, its hundred hosts do not come all at once. */
static inline int64_t store_pause_next(struct store_pause *p)
{
    int64_t ns = STORE_PAUSE_LEAST_NS << (p->fails < 6 ? p->fails : 6);

    ns = min_i64(ns, STORE_PAUSE_MOST_NS);
    p->fails++;
    p->seed ^= p->seed << 13; /* xorshift64 */
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return ns / 2 + (int64_t)(p->seed % (uint64_t)(ns / 2));
}

#endif
