/* Every field of the statistics file in one number. */
#ifndef SLUICE_STATS_HASH_H
#define SLUICE_STATS_HASH_H

#include <stdint.h>

uint32_t stats_hash(void);

#endif
