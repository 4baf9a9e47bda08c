/*
 * What comes of a store's answer?  Needs the lock.
 */
#ifndef SLUICE_HOST_HEARS_H
#define SLUICE_HOST_HEARS_H

#include <stdbool.h>

struct limiter;
struct shared_answer;
struct shared_ask;

/* To ASK.  True: somebody who waits may have a slot now, or other things
 * changed. */
bool host_hears(struct limiter *lim, const struct shared_ask *ask,
                const struct shared_answer *a);

#endif
