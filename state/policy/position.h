/*
 * The order in which waiting rows will go if nobody else arrives.
 */
#ifndef SLUICE_POSITION_H
#define SLUICE_POSITION_H

#include <stdint.h>

struct layout;

/* How many rows of its scope go before ROW; those of blocked models do not,
 * nor more of a client than its own limit lets through now.
 * Needs eligible_measure() first while live.limited is above zero. */
uint32_t position_position(struct layout *lay, uint32_t row);

/* Of the same model and class as a row. */
struct model_place {
    uint32_t before; /* that go before it, those with a slot included */
    uint32_t passed; /* of them, those that position_position() passes over */
};

/* Needs eligible_measure(), too; a look at each that goes before. */
void position_of_model(struct layout *lay, uint32_t row,
                       struct model_place *out);

/* The first before ROW, in its line, that takes turns; NONE: there is none, or its
 * client has no limit of its own. */
uint32_t position_first(struct layout *lay, uint32_t row);
/* When ROW's client may send it by its own limit, if only what is before it in
 * its line goes first, and that not before FIRST; NOW if it has none. */
int64_t position_own_eta(struct layout *lay, uint32_t row, int64_t first,
                         int64_t now);

/* The virtual start, within its class, of the NTH row (from 0) of the line
 * that ROW is in: the order in which a class' rows go. */
uint64_t position_key(struct layout *lay, uint32_t row, uint32_t nth);

#endif
