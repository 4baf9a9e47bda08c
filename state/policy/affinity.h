/*
 * Where did a conversation go last?
 */
#ifndef SLUICE_AFFINITY_H
#define SLUICE_AFFINITY_H

#include <stdint.h>

struct layout;

/* Caches of prompts hold for minutes; so long a conversation is remembered. */
#define AFFINITY_NS (3600 * NS_PER_S)

/* The row of the upstream; NONE: it is not known, or KEY is 0. */
uint32_t affinity_find(const struct layout *lay, uint64_t key, int64_t now);
/* KEY went to UPSTREAM; the one that was silent for longest makes room.  0:
 * nothing. */
void affinity_note(struct layout *lay, uint64_t key, uint32_t upstream,
                   int64_t now);
/* Values that are never written are dropped. */
void affinity_rebuild(struct layout *lay, int64_t now);

#endif
