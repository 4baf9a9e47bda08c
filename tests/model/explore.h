/* Breadth first over all states that can be reached. */
#ifndef SLUICE_MODEL_EXPLORE_H
#define SLUICE_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

enum found {
    FOUND_NOTHING = 0, /* all states seen, the promises hold */
    FOUND_EXCESS,      /* a window with more than the limit */
    FOUND_LEAK,        /* a waiter who is not served in time */
    FOUND_LIMIT,       /* more states than there is room for */
    FOUND_SMALL,       /* more leases than the model has room for */
};

struct result {
    enum found found;
    uint32_t states;
    uint64_t moves;
    uint64_t bytes;
    int longest; /* ticks until a waiter was served, at most */
};

/* Of the current setup and mutant.  LEAKS: look for those, too.  TRACE: print
 * the shortest way to what was found. */
struct result explore(uint32_t states_max, bool leaks, bool trace);

#endif
