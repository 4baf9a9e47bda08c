/*
 * History on the disk: filled from it once, saved to it now and then.
 */
#ifndef SLUICE_HISTORY_SAVE_H
#define SLUICE_HISTORY_SAVE_H

#include <stdint.h>

struct limiter;

/* Until the thread is done, if there is one. */
void history_save_wait(struct limiter *lim);
/* Before a turn: is the thread done? */
void history_save_reap(struct limiter *lim);
/* Needs the lock.  Takes what is to be written, or adds what was read. */
void history_save_step(struct limiter *lim);
/* After it: starts the thread, and says what went wrong. */
void history_save_go_on(struct limiter *lim);
/* At the end: saves what is left, waits for it, and frees. */
void history_save_end(struct limiter *lim);

#endif
