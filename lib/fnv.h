/*
 * FNV-1a of 64 bits: is it the same as before?  Not for what anybody could choose
 * so that two are alike.
 */
#ifndef SLUICE_FNV_H
#define SLUICE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(14695981039346656037)

/* Goes on from H, which is FNV_BEGIN at first. */
static inline uint64_t fnv(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * UINT64_C(1099511628211);
    return h;
}

#endif
