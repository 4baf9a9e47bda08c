/*
 * What tickets are told.
 */
#ifndef SLUICE_TICKET_EVENTS_H
#define SLUICE_TICKET_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;
struct line_eta;
struct limiter;
struct ticket;

void ticket_events_add(struct limiter *lim, struct ticket *t,
                       enum ticket_event event);
/* Needs the lock, which the ticket's row has got its slot under. */
void ticket_events_granted(struct limiter *lim, struct ticket *t);
void ticket_events_refused(struct limiter *lim, struct ticket *t,
                           enum limiter_refusal why, int64_t eta_ns);
/* To be told its place at the end of the turn, should it still wait then. */
void ticket_events_fresh(struct limiter *lim, struct ticket *t);
/* Needs the lock.  Refuses those whose ETA is past their deadline. */
void ticket_events_places(struct limiter *lim);
/* Calls back; ONLY_REFUSED: grants have to wait for the state. */
void ticket_events_tell(struct limiter *lim, bool only_refused);
/* Needs the lock.  Fills T's position, ETA and the number that wait.  ETAS are
 * those of the first N positions; NULL: not known yet. */
void ticket_events_place(struct layout *lay, struct ticket *t, int64_t now,
                         const int64_t *etas, uint32_t n);
/* The same in a line that several share, as far as E was told. */
void ticket_events_place_shared(struct layout *lay, struct ticket *t,
                                int64_t now, const struct line_eta *e);
/* It is over: freed at the end of the turn, or when nobody listens. */
void ticket_events_over(struct limiter *lim, struct ticket *t);
void ticket_events_free(struct limiter *lim);

#endif
