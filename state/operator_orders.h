/*
 * What operators ordered, for a turn: operator.c.  All of it needs the lock.
 */
#ifndef SLUICE_OPERATOR_ORDERS_H
#define SLUICE_OPERATOR_ORDERS_H

#include <stdbool.h>

struct limiter;

/* Are our settings as new as any?  Then their rules may be put in force, and
 * the others hear of it. */
bool operator_lead(struct limiter *lim);
/* Who are we, and what was ordered since the last turn? */
void operator_look(struct limiter *lim);
/* Tells our tickets that were cancelled. */
void operator_cancelled(struct limiter *lim);

#endif
