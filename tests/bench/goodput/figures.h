/* What a run's score means, beside the oracle's: a number for each metric. */
#ifndef SLUICE_GOODPUT_FIGURES_H
#define SLUICE_GOODPUT_FIGURES_H

#include "run.h"

struct figures { /* NAN: it says nothing of this row */
    double of[METRICS];
};

struct metric_about {
    const char *name;
    int digits; /* behind the point */
    bool more_is_better;
};

extern const struct metric_about metrics[METRICS];

struct figures figures_of(const struct row *row, const struct score *s,
                          const struct score *oracle);

/* Over seeds: their mean, and the worst and the best of each. */
struct summary {
    struct figures mean, worst, best;
    uint32_t n;
};
void summary_add(struct summary *sum, const struct figures *f);

bool bound_holds(const struct bound *b, const struct figures *f);

#endif
