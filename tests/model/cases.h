/* What is tried, and what has to be found. */
#ifndef SLUICE_MODEL_CASES_H
#define SLUICE_MODEL_CASES_H

#include "tests/model/world.h"

struct broken {
    enum mutant mutant;
    const char *setup; /* where it has to be found */
    const char *name, *what;
    int leaks; /* it breaks no window: a waiter waits for ever */
    int large; /* not in the short run */
};

extern const struct setup setups[];
extern const int n_setups;
extern const struct broken brokens[];
extern const int n_brokens;

#endif
