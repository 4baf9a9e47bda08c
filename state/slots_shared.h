/*
 * The slots of upstreams that share a line.
 */
#ifndef SLUICE_SLOTS_SHARED_H
#define SLUICE_SLOTS_SHARED_H

#include <stdint.h>

struct effort;
struct limiter;

/* As slots_hand_out(), of a LINE that several share; but when the next one opens
 * slots_shared_next() says: NEVER, or now if EFFORT is cut. */
int64_t slots_shared_hand_out(struct limiter *lim, uint32_t line,
                              struct effort *effort);

/* Whose turn it will be when the next of its slots opens, and *WHEN that is; or
 * NONE: what opens one is somebody's turn. */
uint32_t slots_shared_next(struct limiter *lim, uint32_t line, int64_t *when);

#endif
