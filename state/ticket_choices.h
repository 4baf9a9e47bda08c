/*
 * Where tickets may go.  All of it needs the lock.
 */
#ifndef SLUICE_TICKET_CHOICES_H
#define SLUICE_TICKET_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct limiter;
struct ticket;

/* T's choices with the rows of upstreams for their places in the settings, into TO;
 * its request, which says where they are. */
void ticket_choices_place(const struct limiter *lim, struct ticket *t,
                          struct limiter_choice to[LIMITER_CHOICES]);
/* Is T's model (MODEL, or NONE: by its name) or upstream off, wherever it might go?
 * Then it was refused, and has no row. */
bool ticket_choices_refuse(struct limiter *lim, struct ticket *t,
                           uint32_t model);
/* The same of all that wait, if there is something new that is off. */
void ticket_choices_refuse_all(struct limiter *lim);

#endif
