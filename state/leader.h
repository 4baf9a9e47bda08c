/*
 * What does this host ask of a store that several share, and what comes of the
 * answer?
 *
 * One worker of a host speaks for all of them: its leader.  Any may be it; who
 * does not move when there is something to say is followed by another.  Calls are made
 * one after the other:
 *
 *   limiter_store_due()   when is the next one?
 *   limiter_store_ask()   what is to be said, under the lock; true: say it
 *   fcgi/store/           says it, and hears the answer
 *   limiter_store_answer()  or limiter_store_failed()
 *
 * Take a turn after an answer: it may have brought slots.
 */
#ifndef SLUICE_LEADER_H
#define SLUICE_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/shared_form.h"

struct limiter;

/* May we lead, or do we?  Without the lock, to be asked at each step. */
bool limiter_may_lead(const struct limiter *lim, int64_t now);
/* We do from now on, and are there.  False: another one does, or the lock is
 * busy. */
MUST_USE bool limiter_lead(struct limiter *lim, int64_t now);
/* When the next call is due, as far as time and our own turns decide; NEVER:
 * another leads. */
int64_t limiter_store_due(struct limiter *lim, int64_t now);
/* Fills ASK.  False: we do not lead, nothing is to be said, or the lock is busy:
 * ask again when it is due.  AT_ONCE: the store has called. */
MUST_USE bool limiter_store_ask(struct limiter *lim, struct shared_ask *ask,
                                bool at_once, int64_t now);
/* This host's number there; 0: it has none. */
uint64_t limiter_store_host(const struct limiter *lim);
/* What the store said to ASK.  True: it told something new: take a turn. */
bool limiter_store_answer(struct limiter *lim, const struct shared_ask *ask,
                          const struct shared_answer *answer, int64_t now);
/* There was no answer, or none came through; or the connection is new. */
void limiter_store_failed(struct limiter *lim, int64_t now);
/* It cannot be had: to be said again while that lasts. */
void limiter_store_lost(struct limiter *lim, int64_t now);
/* Does nothing go, because it cannot be had?  Without the lock. */
bool limiter_store_is_lost(const struct limiter *lim);
/* Of the live settings and keys that hosts share: the version of the store that
 * this host knows, and the hash of its own then.  Without the lock. */
struct shared_settings {
    uint64_t version; /* 0: none yet */
    uint64_t hash;
};
struct shared_settings limiter_store_settings(const struct limiter *lim);
/* From now on they are these.  False: the lock is busy. */
MUST_USE bool limiter_store_settle(struct limiter *lim,
                                   const struct shared_settings *are,
                                   int64_t now);
/* We lead no more: the next one begins at once. */
void limiter_store_leave(struct limiter *lim, int64_t now);

#endif
