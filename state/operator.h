/*
 * What an operator orders all workers: pause, resume, cancel, end a hold.
 */
#ifndef SLUICE_OPERATOR_H
#define SLUICE_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct limiter;

/* An operator ends, at the next turn, what holds UPSTREAM back: its retreat
 * and its 402 hold; or, with a MODEL, that one's bench, ceiling and retreat.
 * False: too many such wishes at once. */
MUST_USE bool limiter_end_hold(struct limiter *lim, uint32_t upstream,
                               const char *model);

/*
 * Nothing is granted any more, in any worker, until somebody resumes; who
 * waits, waits on.  BY, copied, is who wants that; NULL resumes.  Take a turn
 * after it.  False: the state is busy, ask again.  Neither this nor the next
 * may be called from a callback of a turn.
 */
MUST_USE bool limiter_pause(struct limiter *lim, const char *by, int64_t now);
/* As the last turn saw it. */
bool limiter_is_paused(const struct limiter *lim);
/* Ends the requests with this id, any worker's: their tickets are told
 * TICKET_CANCELLED.  *N is how many there are.  False as above. */
MUST_USE bool limiter_cancel(struct limiter *lim, const char *request_id,
                             int64_t now, uint32_t *n);

#endif
