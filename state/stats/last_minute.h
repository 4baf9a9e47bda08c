/*
 * How many were there in the last minute, to the second?
 */
#ifndef SLUICE_LAST_MINUTE_H
#define SLUICE_LAST_MINUTE_H

#include <stdint.h>

#define LAST_MINUTE_S 60

/* Part of the shared file.  Zero bytes: none were. */
struct lay_last_minute {
    int64_t last_s; /* the second that was counted last; and how many were in */
    uint16_t in[LAST_MINUTE_S]; /* each, by its number modulo so many */
};

/* All at NOW, of CLOCK_BOOTTIME.  Noise costs numbers. */
void last_minute_count(struct lay_last_minute *m, int64_t now);
uint32_t last_minute_told(const struct lay_last_minute *m, int64_t now);

#endif
