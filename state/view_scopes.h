/*
 * The limits of a view.
 */
#ifndef SLUICE_VIEW_SCOPES_H
#define SLUICE_VIEW_SCOPES_H

struct view_queue;

/* Needs the lock, and writes: expired sends are dropped on the way. */
void view_scopes_copy(struct view_queue *q);

#endif
