/* Every field of the state file in one number. */
#ifndef SLUICE_LAYOUT_HASH_H
#define SLUICE_LAYOUT_HASH_H

#include <stdint.h>

uint32_t layout_hash(void);

#endif
