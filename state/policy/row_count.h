/*
 * What a row adds to the counts.
 */
#ifndef SLUICE_ROW_COUNT_H
#define SLUICE_ROW_COUNT_H

#include <stdint.h>

struct lay_row;
struct layout;

/* By its present state; SIGN is 1, or -1: it is taken away. */
void row_count_state(struct layout *lay, const struct lay_row *r, int sign);
/* As long as it exists. */
void row_count_life(struct layout *lay, const struct lay_row *r, int sign);
/* Both of row I; for repair.c. */
void row_count(struct layout *lay, uint32_t i);

#endif
