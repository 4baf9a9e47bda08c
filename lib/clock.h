/* The one place that asks what time it is. */
#ifndef SLUICE_CLOCK_H
#define SLUICE_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME: for others time goes on while this host sleeps. */
int64_t clock_now_ns(void);
/* Milliseconds since 1970, for people. */
int64_t clock_wall_ms(void);

#endif
