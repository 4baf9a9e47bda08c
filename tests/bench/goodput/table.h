/* The results of all rows, and how they are shown. */
#ifndef SLUICE_GOODPUT_TABLE_H
#define SLUICE_GOODPUT_TABLE_H

#include "figures.h"

struct result {
    struct summary of[POLICIES]; /* as the row's contest has them */
    double oracle;               /* answers a window, mean */
};

struct table {
    const struct row **rows;
    uint32_t n;
    struct result *results; /* one each */
};

/* The figures of each row of one upstream. */
void table_print(const struct table *t);
/* Of the other kinds of rows: of all policies. */
void table_contest(const struct table *t);
/* Each bound, and whether it holds with every seed. */
void table_bounds(const struct table *t);
/* What was measured end to end beside what came out here. */
void table_seen(const struct table *t);
/* Goodput and refusals a window of all policies, at one upstream. */
void table_compare(const struct table *t);
/* Adds up how many bounds hold with every seed, and how many do not. */
void table_count(const struct table *t, uint32_t *reached, uint32_t *missed);

#endif
