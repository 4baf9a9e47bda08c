/*
 * What is a store of several machines asked?  Needs the lock.
 */
#ifndef SLUICE_HOST_SAYS_H
#define SLUICE_HOST_SAYS_H

struct limiter;
struct shared_ask;

/* All that we have to say, as the next call. */
void host_says_all(struct limiter *lim, struct shared_ask *ask);

#endif
