/* The clock of the shared state: it goes on while the machine sleeps. */
#ifndef SLUICE_BOOTTIME_H
#define SLUICE_BOOTTIME_H

#include <time.h>

#include "base.h"

static inline int64_t boottime_ns(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

#endif
