/*
 * A request's place in line: to ask for it, to come back to it, to give it
 * back.  For how long is bounded here, too.
 */
#ifndef SLUICE_PLACE_H
#define SLUICE_PLACE_H

#include "fcgi/exchange_parts.h"

/* The upstream for X, which waits for none: the best that may have its model. */
void place_choose(struct exchange *x);
/* Asks for X's first place. */
void place_take(struct exchange *x);
/*
 * X comes back to the head of its own line.  UNSENT: it used no slot.  All its
 * time in line together is bounded by queue.timeout_s, and by the patience of
 * a client that gets no sign of life.
 */
void place_take_again(struct exchange *x, bool unsent);
/* X is granted, and goes on: its time in line is over. */
void place_leave_line(struct exchange *x);
/* The upstream has nothing to do with it any more: whoever waits may go. */
void place_give_back(struct exchange *x);

/* X's upstream has failed it: may it go to another one?  Once for each that there
 * is. */
bool place_may_move(struct exchange *x);
/* Is there another server that it has not failed at yet? */
bool place_has_others(const struct exchange *x);
void place_fini(struct place *p);

/* Bounds X's time in line anew, also by X-Sluice-Deadline.  That ended at the
 * grant for what the upstream breaks, but not for what it puts off, nor where
 * the grant is taken back. */
void place_bound_patience(struct exchange *x);
/* When its time in line is over.  Not before its first try, however short it
 * is: a deadline of 0 asks for a slot that is free now. */
int64_t place_deadline(const struct place *p);

#endif
