/*
 * A turn's own rules, for what has to happen now.
 */
#ifndef SLUICE_TURN_H
#define SLUICE_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

/* FN, under the lock and within a turn's rules, now.  False: the state cannot
 * be had at once.  Not from a callback of a turn. */
MUST_USE bool turn_at_once(struct limiter *lim, int64_t now,
                           void (*fn)(struct limiter *lim, void *arg),
                           void *arg);
/* The last: all that was asked still counts, and our place is free.  The lock
 * is waited for, WAIT_NS at most; where it cannot be had, others will sweep. */
void turn_leave(struct limiter *lim, int64_t wait_ns);

#endif
