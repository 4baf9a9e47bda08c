/* What is tried with the clocks, and what has to be found. */
#ifndef SLUICE_MODEL_CLOCK_CASES_H
#define SLUICE_MODEL_CLOCK_CASES_H

#include "tests/model/clock.h"

struct clock_broken {
    enum clock_mutant mutant;
    const char *setup; /* where it has to be found */
    const char *name, *what;
};

extern const struct clock_setup clock_setups[];
extern const int n_clock_setups;
extern const struct clock_broken clock_brokens[];
extern const int n_clock_brokens;

#endif
