/* The clock of the shared state: it goes on while the machine sleeps. */
#ifndef SLUICE_BOOTTIME_H
#define SLUICE_BOOTTIME_H

#include <time.h>

#include "lib/base.h"

static inline int64_t boottime_ns(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_BOOTTIME, &ts) == 0);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* The wall's, since 1970: only for what people are told, for it may jump. */
static inline int64_t wall_ns(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

#endif
