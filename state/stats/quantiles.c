/*
 * quantiles.c - how long did most of them take?
 *
 * A bucket ends at its bound; the last one ends where the values themselves
 * do.  The bounds lie closer where people look: a wait of a second is another
 * thing than one of three, 300 and 310 are the same.  Where in a bucket its values
 * lie is told by the sum of all: a hundred of a millisecond each are not spread over
 * the first fifty.
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

static double low_of(enum band kind, uint32_t i)
{
    return i == 0 ? 0 : (double)bounds[kind][i - 1];
}

/*
 * Where in their buckets do the values lie, 0 at the low ends, 1 at the high ones?
 * The sum of all tells, if it is the same place in each: few buckets are as wide
 * as that matters, and mostly one of them has nearly all.
 */
static double place_of_mean(enum band kind, const uint64_t *counts, double sum)
{
    double low = 0, width = 0, place;
    uint32_t i;

    for (i = 0; i < PAST_BUCKETS; i++) {
        double from = low_of(kind, i);

        low += (double)counts[i] * from;
        width += (double)counts[i] * ((double)bounds[kind][i] - from);
    }
    place = sum < 0 || width <= 0 ? 0.5 : (sum - low) / width;
    return place < 0 ? 0 : place > 1 ? 1 : place;
}

/* PART of a bucket's values lie below this part of it: they are spread evenly, as
 * far around their mean as the nearer end allows. */
static double within(double part, double mean)
{
    return mean < 0.5 ? 2 * mean * part : 1 - 2 * (1 - mean) * (1 - part);
}

int64_t quantiles_quantile(enum band kind, const uint64_t *counts, int64_t sum,
                           uint32_t percent)
{
    double all = 0, below = 0, target, part, mean;
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
    }
    if (counts[i] == 0)
        return (int64_t)low_of(kind, i);
    part = (target - below) / (double)counts[i];
    mean = place_of_mean(kind, counts, (double)sum);
    return (int64_t)(low_of(kind, i) +
                     ((double)bounds[kind][i] - low_of(kind, i)) *
                         within(part, mean));
}
