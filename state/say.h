/*
 * Lines about the state, for the log.
 */
#ifndef SLUICE_SAY_H
#define SLUICE_SAY_H

struct limiter;

/* Not under the lock. */
void limiter_say(struct limiter *lim, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
