/*
 * Makes a file whose last writer died, or that a stranger wrote, true again.
 */
#ifndef SLUICE_REPAIR_H
#define SLUICE_REPAIR_H

#include <stdint.h>

struct layout;

/*
 * Recomputes every derived value from the slots.  Leaves through
 * sigbus_damaged() when a slot holds what no writer of ours ever stores.
 */
void repair_run(struct layout *lay, int64_t now);

#endif
