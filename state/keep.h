/*
 * History on the disk: filled from it once, saved to it now and then.
 */
#ifndef SLUICE_KEEP_H
#define SLUICE_KEEP_H

#include <stdint.h>

struct lay_history;
struct limiter;

/* Before a turn: is the thread done? */
void keep_reap(struct limiter *lim);
/* Needs the lock.  Takes what is to be written, or adds what was read. */
void keep_step(struct limiter *lim);
/* After it: starts the thread, and says what went wrong. */
void keep_go_on(struct limiter *lim);
/* At the end: saves what is left, waits for it, and frees. */
void keep_end(struct limiter *lim);

/* Needs the lock.  WORKER is gone. */
void keep_leave(struct lay_history *h, uint32_t worker);

#endif
