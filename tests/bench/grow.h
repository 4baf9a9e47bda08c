/* What each step of the shared limiter costs as it fills. */
#ifndef SLUICE_BENCH_GROW_H
#define SLUICE_BENCH_GROW_H

/* Prints a table and a verdict for each step; 1 if one grows too fast. */
int grow(void);

#endif
