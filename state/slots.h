/*
 * Who gets the open slots?  All of it needs the lock.
 */
#ifndef SLUICE_SLOTS_H
#define SLUICE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct effort;
struct limiter;

/* Gives the open slots of SCOPE away, as far as EFFORT goes.  Returns when the
 * next one opens, if anybody waits for it, else NEVER.  Now: one is open, and
 * either nobody may go or EFFORT is cut. */
int64_t slots_hand_out(struct limiter *lim, uint32_t scope,
                       struct effort *effort);
/* The same for all scopes, and sets the alarm for the next slot. */
void slots_hand_out_all(struct limiter *lim);

#endif
