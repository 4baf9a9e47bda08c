/*
 * One exchange: a request, its place in the queue, its attempts, its answer.
 *
 * Owned by the loop's thread.  Whatever happens to it sets a field and calls
 * exchange_run(); the table of steps in exchange.c decides what follows.
 */
#ifndef SLUICE_EXCHANGE_H
#define SLUICE_EXCHANGE_H

#include "fcgi/answer.h"
#include "fcgi/exchange_parts.h"

/* Takes R and its descriptor. */
void exchange_start(struct sluice *s, struct request *r);
/* Every waiter is refused, everything else may finish. */
void exchange_drain_all(struct sluice *s);
/* A pause has begun: what was granted and is not on the wire goes back. */
void exchange_recall_all(struct sluice *s);
/* End of a step: flushes, and frees what is done. */
void exchange_flush_all(struct sluice *s);
/* The very end of it: who is still there is heard of, if he hangs up. */
void exchange_watch_all(struct sluice *s);
/* Ends them all, finished or not. */
void exchange_abort_all(struct sluice *s);

#endif
