/*
 * The slots of this host's own log and rules: what slot_source.h asks of a
 * source.
 */
#ifndef SLUICE_LOCAL_SLOTS_H
#define SLUICE_LOCAL_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"
#include "state/policy/vocabulary.h"

struct layout;

bool local_slots_have(struct layout *lay, uint32_t scope, struct take what,
                      int64_t now, int64_t *when);
void local_slots_want(struct layout *lay, uint32_t scope, int64_t when,
                      int64_t now);
void local_slots_take(struct layout *lay, uint32_t row, int64_t now);
void local_slots_adopt(struct layout *lay, uint32_t row);
void local_slots_sent(struct layout *lay, uint32_t row, int64_t at);
void local_slots_back(struct layout *lay, uint32_t row);
bool local_slots_verdict(struct layout *lay, uint32_t scope, uint32_t row,
                         const struct limiter_report *rep, int64_t now);

#endif
