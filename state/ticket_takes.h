/*
 * What tickets take of limits in tokens, and of their clients' own.  All of it needs
 * the lock.
 */
#ifndef SLUICE_TICKET_TAKES_H
#define SLUICE_TICKET_TAKES_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct limiter;
struct limiter_choice;
struct limiter_request;
struct ticket;

/* Does T surely take more than a whole limit, wherever it might go?  Then it was
 * refused, and to come again is of no use.  Of its CHOICES, which name rows, those
 * are left out for which it does. */
bool ticket_takes_refuse(struct limiter *lim, struct ticket *t,
                         struct limiter_choice *choices);
/* When the next of REQ's client could go, as far as its own limits say. */
int64_t ticket_takes_own_eta(struct layout *lay,
                             const struct limiter_request *req, int64_t now);
/* T's answer told. */
void ticket_takes_settle(struct limiter *lim, struct ticket *t);

#endif
