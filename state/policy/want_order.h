/*
 * In which order would a request have its choices?
 */
#ifndef SLUICE_WANT_ORDER_H
#define SLUICE_WANT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_want;

#define WANT_RANK_MAX 250

/* As lay_choice has it. */
uint16_t want_order_patience(int64_t ns);

/* By rank; those alike stay as they were. */
void want_order_sort(struct lay_want *w);

/* Its conversation had UPSTREAM: that comes before those of its rank, if it is
 * one for the same model as the first of all; another remembers nothing of it.
 * To be sorted then. */
void want_order_prefer(const struct layout *lay, struct lay_want *w,
                       uint32_t upstream, int64_t patience_ns);

/* ROW, which has choices, failed at those of its request's whose bits are in
 * NUMBERS: they come last, and for a while it rather waits for another.  False:
 * it has no other. */
bool want_order_shun(struct layout *lay, uint32_t row, uint32_t numbers);

#endif
