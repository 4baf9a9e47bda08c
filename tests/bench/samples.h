/* Times that were measured: kept all, sorted once, asked for percentiles. */
#ifndef SLUICE_BENCH_SAMPLES_H
#define SLUICE_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

struct samples {
    int64_t *ns;
    size_t n, cap;
};

/* CLOCK_MONOTONIC, which is also nimsim's clock. */
int64_t samples_now_ns(void);

void samples_add(struct samples *s, int64_t ns);
void samples_sort(struct samples *s);
/* After samples_sort().  Nearest rank; PERMILLE 1000 is the largest; 0 if
 * there are none. */
int64_t samples_at(const struct samples *s, unsigned permille);
/* Prints "NAME":{"n":..,"p50":..,"p90":..,"p99":..,"max":..} in
 * microseconds. */
void samples_print(struct samples *s, const char *name);
void samples_free(struct samples *s);

#endif
