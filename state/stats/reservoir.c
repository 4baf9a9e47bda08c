/*
 * reservoir.c - how are the last some hundred values spread?
 *
 *   step 0     below the base
 *   step k     from base * 2^((k-1)/2) to base * 2^(k/2)
 *   the last   everything above
 *
 * A percentile is told to within such a step, a factor of 1.41, and placed in
 * it by its rank.  512 values fade with the next 256: what was an hour ago
 * says little of a model's speed now.
 */
#include "state/stats/reservoir.h"

#define FINE  8 /* bits of a fraction of the base */
#define SQRT2 1.41421356

/* The step of VALUE: twice its binary logarithm over the base. */
static uint32_t step_of(uint64_t base, uint64_t value)
{
    uint64_t v, square;
    uint32_t log2, step;

    if (value < base)
        return 0;
    if (value / base >= UINT64_C(1) << 20)
        return SPREAD_STEPS - 1;
    v = (value << FINE) / base; /* below 2^29: its square fits */
    log2 = 63 - (uint32_t)__builtin_clzll(v);
    square = v * v;
    step = 2 * (log2 - FINE) + (square >> (2 * log2 + 1) != 0) + 1;
    return step < SPREAD_STEPS ? step : SPREAD_STEPS - 1;
}

static uint32_t count(const struct reservoir *s)
{
    uint32_t sum = 0, i;

    for (i = 0; i < SPREAD_STEPS; i++)
        sum += s->n[i];
    return sum;
}

static void fade(struct reservoir *s)
{
    uint32_t i;

    for (i = 0; i < SPREAD_STEPS; i++)
        s->n[i] /= 2;
    s->sum = (uint16_t)count(s);
}

static void add(struct reservoir *s, uint32_t step, uint32_t times)
{
    times = times < SPREAD_FULL ? times : SPREAD_FULL;
    while (s->sum + times > SPREAD_FULL && s->sum > 0)
        fade(s); /* of noise, too, 16 times leave nothing */
    s->n[step] = (uint16_t)(s->n[step] + times);
    s->sum = (uint16_t)(s->sum + times);
}

void reservoir_add(struct reservoir *s, uint64_t base, uint64_t value,
                   uint32_t times)
{
    add(s, step_of(base, value), times);
}

void reservoir_merge(struct reservoir *s, const struct reservoir *more)
{
    uint32_t i;

    for (i = 0; i < SPREAD_STEPS; i++)
        if (more->n[i] > 0)
            add(s, i, more->n[i]);
}

/* Where step K begins, or step K - 1 ends. */
static double edge(uint64_t base, uint32_t k)
{
    double octaves;

    if (k == 0)
        return 0;
    octaves = (double)(UINT64_C(1) << (k - 1) / 2);
    return (double)base * octaves * ((k - 1) % 2 == 1 ? SQRT2 : 1);
}

double reservoir_at(const struct reservoir *s, uint64_t base, unsigned percent)
{
    double rank = (double)count(s) * percent / 100, below = 0, from, part;
    uint32_t i;

    if (rank <= 0)
        return -1;
    for (i = 0; i < SPREAD_STEPS - 1 && below + s->n[i] < rank; i++)
        below += s->n[i];
    from = edge(base, i);
    part = s->n[i] > 0 ? (rank - below) / s->n[i] : 0;
    return from + (edge(base, i + 1) - from) * (part < 1 ? part : 1);
}
