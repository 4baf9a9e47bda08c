/*
 * How many requests of one model run at once?
 */
#ifndef NIMSIM_WORKERS_H
#define NIMSIM_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* Both need the lock of struct sim. */

/* Takes a worker of R's model for R.  False: LIMIT of them are busy. */
bool workers_take(struct request *r, int64_t limit);

/* Frees R's worker, if it has one. */
void workers_drop(struct request *r);

#endif
