/*
 * By the order over all hosts: whose is the slot that a store has lent to us?
 */
#ifndef SLUICE_LENT_ORDER_H
#define SLUICE_LENT_ORDER_H

#include <stdint.h>

struct layout;

/* The row of SCOPE's line that the first lease was given for, if it can go; NONE:
 * nobody in particular. */
uint32_t lent_order_first(struct layout *lay, uint32_t scope, int64_t now);

#endif
