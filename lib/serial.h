/*
 * Numbers that rise by one, live in a shared file, and may be noise.
 *
 * Of what is counted so the largest holds, and whoever knows a larger one than
 * the file puts it right.  So one that is absurd must not be
 * the last: beyond SERIAL_MAX it is damage wherever it is read, and there the
 * counting stops.  Among equals what is written holds: it is taken over by
 * whoever knows it otherwise.
 */
#ifndef SLUICE_SERIAL_H
#define SLUICE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

/* What nobody can count to, and every reader of JSON can hold. */
#define SERIAL_MAX (UINT64_C(1) << 53)

static inline bool serial_is_sane(uint64_t n)
{
    return n <= SERIAL_MAX;
}

static inline uint64_t serial_next(uint64_t n)
{
    return n < SERIAL_MAX ? n + 1 : SERIAL_MAX;
}

#endif
