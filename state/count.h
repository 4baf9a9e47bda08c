/*
 * The journal of a turn goes into the statistics.
 */
#ifndef SLUICE_COUNT_H
#define SLUICE_COUNT_H

struct limiter;

/* Needs the lock, in no section of the state's.  Counts all that was noted, and
 * then does what MORE says, if it is not NULL.  What cannot be counted now is
 * kept. */
void count_journal(struct limiter *lim, void (*more)(struct limiter *lim));

#endif
