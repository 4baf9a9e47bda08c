/*
 * What refusals, passes and time change for the limits of upstreams and models.
 * All of it needs the lock.
 */
#ifndef SLUICE_REFUSALS_H
#define SLUICE_REFUSALS_H

#include <stdint.h>

struct limiter;
struct limiter_report;

/* ROW, which is in flight, was answered. */
void refusals_answered(struct limiter *lim, uint32_t row,
                       const struct limiter_report *rep);
/* Before a slot of SCOPE is given away: holds end, allowances grow. */
void refusals_time(struct limiter *lim, uint32_t scope);
/* The same for all that keep back, before anything else of a turn. */
void refusals_due(struct limiter *lim);
/* An operator ends what SCOPE keeps back. */
void refusals_end(struct limiter *lim, uint32_t scope);
/* What SCOPE keeps back was taken over from another host; it was in state FROM. */
void refusals_adopted(struct limiter *lim, uint32_t scope, uint32_t from);

#endif
