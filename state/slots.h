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

/* Grants what other workers offered us. */
void slots_accept(struct limiter *lim);
/* Takes back what others were offered and did not accept in time. */
void slots_revoke(struct limiter *lim);
/* Gives the open slots of SCOPE away, as far as EFFORT goes.  Returns when the
 * next one opens, if anybody waits for it, else NEVER.  Now: one is open, and
 * either nobody may go or EFFORT is cut. */
int64_t slots_hand_out(struct limiter *lim, uint32_t scope,
                       struct effort *effort);
/* The same for all scopes, and sets the alarm for the next slot. */
void slots_hand_out_all(struct limiter *lim);

/* ROW, which waits, gets its slot: at once if it is ours, else its worker is told
 * of it.  One with choices goes where its mark says. */
void slots_give(struct limiter *lim, uint32_t row);

/* WORKER is told after the lock is gone. */
void slots_poke(struct limiter *lim, uint32_t worker);
void slots_poke_all(struct limiter *lim);

#endif
