/* Chance that comes out the same each time: SplitMix64 (Steele, Lea and
 * Flood, 2014). */
#ifndef SLUICE_GOODPUT_DICE_H
#define SLUICE_GOODPUT_DICE_H

#include <stdint.h>

static inline uint64_t dice_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Below N, which is above 0. */
static inline int64_t dice_below(uint64_t *state, int64_t n)
{
    *state += 1;
    return (int64_t)(dice_mix(*state) % (uint64_t)n);
}

#endif
