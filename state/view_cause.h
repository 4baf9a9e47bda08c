/*
 * Why each that waits in a view does, and all of them by that.
 */
#ifndef SLUICE_VIEW_CAUSE_H
#define SLUICE_VIEW_CAUSE_H

#include <stdint.h>

#include "state/view_lists.h"

/* Needs the lock.  V is row I, which waits; OWN: its client's limit lets it go
 * then.  What its place in line adds comes later. */
void view_cause_copy(struct view_queue *q, struct view_row *v, uint32_t i,
                     int64_t own);
/* The same, of a line that is not shared, once its places are known: it finds a
 * slot at SLOT and its model takes it at MODEL. */
void view_cause_settle(struct view_queue *q, struct view_row *v, int64_t slot,
                       int64_t model);

/* Those of V that wait, by cause, most first: at most MAX.  OUT borrows V's
 * names.  Returns how many there are. */
uint32_t view_causes(const struct limiter_view *v, struct view_group *out,
                     uint32_t max);

#endif
