/*
 * Which row is an upstream of ours?  All of it needs the lock.
 */
#ifndef SLUICE_UPSTREAM_MAP_H
#define SLUICE_UPSTREAM_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

/* Finds a row for each of our upstreams.  False: not enough of them are free. */
MUST_USE bool upstream_map_take(struct limiter *lim);
/* The row of an upstream of ours; NONE: there is no such one. */
uint32_t upstream_map_of(const struct limiter *lim, uint32_t upstream);
/* Puts our rules in force: if we LEAD, else only where there are none.  Rows
 * that nobody uses get none. */
void upstream_map_rule(struct limiter *lim, bool lead);

#endif
