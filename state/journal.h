/*
 * What turns do, to be counted (count.c).
 */
#ifndef SLUICE_JOURNAL_H
#define SLUICE_JOURNAL_H

#include <stdint.h>

struct limiter;
struct ticket;

/* All of it needs the lock. */

/* T's request is on the wire. */
void journal_sent(struct limiter *lim, const struct ticket *t);
/* The dead are looked for, and what they leave is noted. */
void journal_sweep(struct limiter *lim);
/* How it stands, at the end of a turn. */
void journal_gauge(struct limiter *lim);
/* The state file is lost: rows mean nothing any more. */
void journal_unbind(struct limiter *lim);

#endif
