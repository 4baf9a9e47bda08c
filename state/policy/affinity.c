/*
 * affinity.c - where did a conversation go last?
 *
 * Upstreams keep a prompt for a while, so that the next turn of a conversation is
 * cheaper and sooner where the one before it was.  A table of sets: a lost entry
 * costs a cache, no more.
 */
#include "state/policy/affinity.h"

#include "state/policy/layout.h"

static uint32_t set_of(uint64_t key)
{
    return (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
           LAY_AFFINITY_SETS * LAY_AFFINITY_WAYS;
}

uint32_t affinity_find(const struct layout *lay, uint64_t key, int64_t now)
{
    const struct lay_affinity *a;
    uint32_t i;

    if (key == 0)
        return NONE;
    a = &lay->affinities[set_of(key)];
    for (i = 0; i < LAY_AFFINITY_WAYS; i++, a++)
        if (a->key == key)
            return a->at_ns <= now && a->at_ns > now - AFFINITY_NS &&
                           a->upstream < LAY_UPSTREAMS
                       ? a->upstream
                       : NONE;
    return NONE;
}

void affinity_note(struct layout *lay, uint64_t key, uint32_t upstream,
                   int64_t now)
{
    struct lay_affinity *first, *to;
    uint32_t i;

    if (key == 0)
        return;
    to = first = &lay->affinities[set_of(key)];
    for (i = 0; i < LAY_AFFINITY_WAYS && to->key != key; i++)
        if (first[i].key == key || first[i].at_ns < to->at_ns)
            to = &first[i];
    to->key = key;
    to->upstream = upstream;
    to->at_ns = now;
}

void affinity_rebuild(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_AFFINITIES; i++)
        if (lay->affinities[i].at_ns < 0 || lay->affinities[i].at_ns > now)
            lay->affinities[i] = (struct lay_affinity){.key = 0};
}
