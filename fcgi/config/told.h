/*
 * What requests are told that find a model, or an upstream, left alone.
 */
#ifndef SLUICE_TOLD_H
#define SLUICE_TOLD_H

#include "state/policy/vocabulary.h"

/* The HTTP status for CAUSE: the limiter knows none.  The compiler names a cause
 * that is missing. */
static inline int told_status(enum ejection_cause cause)
{
    switch (cause) {
    case EJECTED_UNKNOWN:
        return 404;
    case EJECTED_GONE:
        return 410;
    case EJECTED_RATE:
    case EJECTED_QUOTA:
        return 429;
    case EJECTED_UNPAID:
        return 402;
    case EJECTED_KEY: /* ours: no fault of the client's */
    case EJECTED_AWAY:
    case EJECTED_FAULTY:
    case EJECTED_DEGRADED: /* the upstream's own 400 reads as ours */
    case EJECTED_UNAVAILABLE:
    case EJECTED_NOT:
    case EJECTION_CAUSES:
        break;
    }
    return 503;
}

#endif
