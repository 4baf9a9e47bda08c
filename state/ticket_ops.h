/*
 * What tickets asked for since the last turn.
 */
#ifndef SLUICE_TICKET_OPS_H
#define SLUICE_TICKET_OPS_H

struct limiter;
struct ticket;

void ticket_ops_add(struct limiter *lim, struct ticket *t, unsigned what);
/* Needs the lock.  Does what was asked since the last turn. */
void ticket_ops_fulfil(struct limiter *lim);
/* Needs the lock.  Puts the tickets of a lost file into this one; while there
 * are more than a turn's worth, lim->adopting. */
void ticket_ops_adopt(struct limiter *lim);
/* T is refused without the lock: to be remembered when it can be had. */
void ticket_ops_owe(struct limiter *lim, const struct ticket *t);
/* The file is lost: no ticket has a row, and no wish is forgotten. */
void ticket_ops_unbind(struct limiter *lim);

#endif
