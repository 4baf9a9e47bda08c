/*
 * quantiles.c - how long did most of them take?
 *
 * A bucket ends at its bound; the last one ends where the values themselves
 * do.  The bounds lie closer where people look: a wait of a second is another
 * thing than one of three, 300 and 310 are the same.
 */
#include "state/stats/quantiles.h"

static const int64_t bounds[BANDS][PAST_BUCKETS] = {
    /* queue.timeout_s is 900 */
    [BAND_QUEUE] = {10000, 100000, 500000, 1000000, 3000000, 10000000, 30000000,
                    60000000, 180000000, 900000000},
    /* timeouts.first_byte_s is 600 */
    [BAND_FIRST_BYTE] = {50000, 100000, 200000, 400000, 800000, 1500000,
                         3000000, 8000000, 30000000, 600000000},
    [BAND_SPEED] = {5000, 10000, 20000, 35000, 50000, 75000, 110000, 160000,
                    300000, 1000000},
};

void quantiles_add(enum band kind, uint32_t *counts, int64_t value)
{
    uint32_t i = 0;

    while (i < PAST_BUCKETS - 1 && value > bounds[kind][i])
        i++;
    counts[i]++;
}

int64_t quantiles_quantile(enum band kind, const uint64_t *counts,
                           uint32_t percent)
{
    double all = 0, below = 0, target;
    int64_t from = 0;
    uint32_t i;

    for (i = 0; i < PAST_BUCKETS; i++)
        all += (double)counts[i];
    if (all <= 0)
        return -1;
    target = all * percent / 100;
    for (i = 0; i < PAST_BUCKETS - 1; i++) {
        if (below + (double)counts[i] >= target && counts[i] > 0)
            break;
        below += (double)counts[i];
        from = bounds[kind][i];
    }
    if (counts[i] == 0)
        return from;
    return from + (int64_t)((double)(bounds[kind][i] - from) *
                            (target - below) / (double)counts[i]);
}
