/*
 * What went out in the last 24 hours, by the hour.
 */
#ifndef SLUICE_DAY_SUMS_H
#define SLUICE_DAY_SUMS_H

#include <stdbool.h>
#include <stdint.h>

/* A day begins and ends within an hour. */
#define DAY_HOURS 25

/* What went out in one hour.  It counts until the newest is a day old. */
struct day_hour {
    int64_t newest_ns; /* 0: nothing yet */
    uint64_t tokens;
};

/* TOKENS went out AT. */
void day_sums_add(struct day_hour hours[DAY_HOURS], int64_t at,
                  uint64_t tokens);
/* What went out AT took TOKENS, not WAS. */
void day_sums_settle(struct day_hour hours[DAY_HOURS], int64_t at, uint64_t was,
                     uint64_t tokens);

/* What counts at NOW. */
uint64_t day_sums_used(const struct day_hour hours[DAY_HOURS], int64_t now);
/* When TOKENS of that do not count any more; NEVER: there are fewer. */
int64_t day_sums_free_at(const struct day_hour hours[DAY_HOURS],
                         uint64_t tokens, int64_t now);

/* None is later than LATEST. */
bool day_sums_are_sane(const struct day_hour hours[DAY_HOURS], int64_t latest);

#endif
