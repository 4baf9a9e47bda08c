/*
 * Giving a slot to a row, and taking it back.  All of it needs the lock.
 */
#ifndef SLUICE_GIVING_H
#define SLUICE_GIVING_H

#include <stdint.h>

struct limiter;

/* ROW, which waits, gets its slot: at once if it is ours, else its worker is told
 * of it.  One with choices goes where its mark says. */
void giving_give(struct limiter *lim, uint32_t row);
/* Grants what other workers offered us. */
void giving_accept(struct limiter *lim);
/* Takes back what others were offered and did not accept in time. */
void giving_revoke(struct limiter *lim);

/* The next turn is due WHEN, at the latest. */
void giving_alarm(struct limiter *lim, int64_t when);
/* WORKER is told after the lock is gone. */
void giving_poke(struct limiter *lim, uint32_t worker);
void giving_poke_all(struct limiter *lim);

#endif
