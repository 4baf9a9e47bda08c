/*
 * The sums of all workers, and how the limits stand: what a scrape wants.
 */
#ifndef SLUICE_SUMS_H
#define SLUICE_SUMS_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct limiter_tally;

/* Takes the lock of FD, unless that is -1.  False: it is busy; or damage, then
 * *WHAT says which. */
bool sums_collect(int fd, struct layout *lay, int64_t now,
                  struct limiter_tally *out, const char **what);

#endif
