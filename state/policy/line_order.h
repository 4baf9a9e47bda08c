/*
 * Those that wait in one line, in the order in which they would go.
 */
#ifndef SLUICE_LINE_ORDER_H
#define SLUICE_LINE_ORDER_H

#include <stdint.h>

#include "state/policy/layout.h"

/* The next of a flow, and when it starts in its class' time. */
struct line_cursor {
    uint64_t start;
    uint32_t flow, row;
};

/* The caller's memory: much, and touched as far as there are flows. */
struct line_order {
    struct layout *lay;
    uint32_t scope, hops;
    uint64_t start[LIMITER_CLASSES];         /* of the class' next */
    uint32_t n[LIMITER_CLASSES];             /* flows with somebody left */
    struct line_cursor *of[LIMITER_CLASSES]; /* as a heap: the next one first */
    struct line_cursor all[LAY_FLOWS];
};

/* Nothing may change until the last one is had. */
void line_order_begin(struct line_order *o, struct layout *lay, uint32_t scope);
/* The next row; NONE: that was all. */
uint32_t line_order_next(struct line_order *o);

#endif
