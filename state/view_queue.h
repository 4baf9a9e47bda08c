/*
 * The scopes and the rows of a view: who waits, who runs, and in which order
 * they will go.  Its functions are called in this order.
 */
#ifndef SLUICE_VIEW_QUEUE_H
#define SLUICE_VIEW_QUEUE_H

#include <stdint.h>

#include "state/view_lists.h"

/* Makes room in OUT, too, which the caller frees. */
void view_queue_init(struct view_queue *q, struct limiter_view *out);
/* Needs the lock, and writes: expired sends are dropped on the way. */
void view_queue_copy(struct view_queue *q, struct layout *lay, int64_t now);
/* Positions; without the lock. */
void view_queue_order(struct view_queue *q);
/* Needs the lock, and reads only: when the slot of each position opens. */
void view_queue_foretell(struct view_queue *q);
/* By position; without the lock. */
void view_queue_sort(struct view_queue *q);
void view_queue_fini(struct view_queue *q);

#endif
