/*
 * What this worker has to tell of requests that are over.
 */
#ifndef SLUICE_COMPLETIONS_H
#define SLUICE_COMPLETIONS_H

struct limiter;
struct stats_layout;

/* Needs the lock.  Finds the rows of what was noted since the last turn. */
void completions_resolve(struct limiter *lim);
/* Needs the lock.  Counts it. */
void completions_apply(struct limiter *lim, struct stats_layout *st);
/* Gives room back; at the end of a turn, without the lock. */
void completions_trim(struct limiter *lim);
void completions_free(struct limiter *lim);

#endif
