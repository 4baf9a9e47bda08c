/*
 * What requests are told that find a model, or an upstream, left alone.
 */
#ifndef SLUICE_TOLD_H
#define SLUICE_TOLD_H

#include <assert.h>

#include "state/policy/vocabulary.h"

/* The HTTP status for CAUSE: the limiter knows none. */
static inline int told_status(enum ejection_cause cause)
{
    static const int statuses[] = {
        [EJECTED_NOT] = 503,      [EJECTED_UNAVAILABLE] = 503,
        [EJECTED_DEGRADED] = 503, /* the upstream's own 400 reads as ours */
        [EJECTED_UNKNOWN] = 404,  [EJECTED_GONE] = 410,
        [EJECTED_RATE] = 429,     [EJECTED_UNPAID] = 402,
    };

    static_assert(ARRAY_LEN(statuses) == EJECTION_CAUSES, "one for each");
    return statuses[cause];
}

#endif
