/*
 * May requests of this model go now, and if not, when?
 */
#ifndef SLUICE_MODEL_GATE_H
#define SLUICE_MODEL_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct layout;

/* Must requests of MODEL (or NONE) wait, or be refused, now? */
bool model_gate_block(struct layout *lay, uint32_t model, int64_t now);
/* Is everybody that waits in SCOPE blocked?  Spares queue.c its search. */
bool model_gate_block_all(struct layout *lay, uint32_t scope, int64_t now);
/* Does anything hold back requests of MODEL now, or may it soon? */
bool model_gate_is_limited(struct layout *lay, uint32_t model);
/* When MODEL stops to be blocked, as far as time alone decides; else NEVER. */
int64_t model_gate_free_at(struct layout *lay, uint32_t model, int64_t now);

#endif
