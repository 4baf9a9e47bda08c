/*
 * What answers, time and operators change for all.  All of it needs the lock.
 */
#ifndef SLUICE_VERDICTS_H
#define SLUICE_VERDICTS_H

#include <stdint.h>

struct limiter;
struct ticket;

/* T's report, if T was sent. */
void verdicts_apply(struct limiter *lim, struct ticket *t);
/* Once a second: benches end. */
void verdicts_tick(struct limiter *lim);
/* What operators asked for. */
void verdicts_end(struct limiter *lim);

#endif
