/*
 * The slots that a store of several machines lends: what slot_source.h asks of
 * a source.
 */
#ifndef SLUICE_LEASED_SLOTS_H
#define SLUICE_LEASED_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"

struct layout;

bool leased_slots_have(struct layout *lay, uint32_t scope, struct take what,
                       int64_t now, int64_t *when);
void leased_slots_want(struct layout *lay, uint32_t scope, int64_t when,
                       int64_t now);
void leased_slots_take(struct layout *lay, uint32_t row, int64_t now);
void leased_slots_sent(struct layout *lay, uint32_t row, int64_t at);
void leased_slots_back(struct layout *lay, uint32_t row);

#endif
