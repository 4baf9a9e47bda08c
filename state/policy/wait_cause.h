/*
 * Why does one that waits not go now?
 *
 * One word for each, the same for the snapshot, the command line and the
 * dashboard.  It names what decides: what would still hold the request back if
 * everything else gave way.
 */
#ifndef SLUICE_WAIT_CAUSE_H
#define SLUICE_WAIT_CAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;

#define WAIT_CAUSE_LIST(X)                                                     \
    X(WAITS_WINDOW, "window") /* as many as may were sent lately */            \
    X(WAITS_MODEL, "model")   /* its model is busy, off, or held alone */      \
    X(WAITS_CONCURRENCY, "concurrency") /* in_flight of the settings */        \
    X(WAITS_HOLD, "hold")               /* the upstream refused: none goes */  \
    X(WAITS_RECOVERING, "recovering")   /* fewer go than may, after that */    \
    X(WAITS_CLIENT, "client_limit")     /* its client's own limit */           \
    X(WAITS_PAUSED, "paused")           /* by an operator */                   \
    X(WAITS_UNPAID, "unpaid")           /* 402, or a quota that is used up */  \
    X(WAITS_AWAY, "away")     /* the upstream: not reached, or all errors */   \
    X(WAITS_KEY, "key")       /* our key is refused there */                   \
    X(WAITS_TOKENS, "tokens") /* the limit in tokens */                        \
    X(WAITS_GAP, "gap")       /* min_gap_ms, or burst: one after the other */  \
    X(WAITS_STATE, "state") /* the state was lost, or a worker does not      \
                                 answer */ \
    X(WAITS_RETRY, "retry") /* a pause of its own, between two tries */

enum wait_cause { WAIT_CAUSE_LIST(LIST_KIND) WAIT_CAUSES };

extern const char *const wait_cause_names[WAIT_CAUSES];

/* What decides, and until when as far as is known now: NOW, if nothing does;
 * NEVER: an event has to come first. */
struct wait_why {
    enum wait_cause cause;
    int64_t at;
};

/* Does CAUSE stop all of an upstream's, whatever else holds one back? */
bool wait_cause_stops_all(enum wait_cause cause);

/* Both need the lock.  Of the next that goes through SCOPE, whose log was
 * refreshed, and of one of MODEL, which may be NONE, there. */
struct wait_why wait_cause_of_scope(struct layout *lay, uint32_t scope,
                                    int64_t now);
struct wait_why wait_cause_of_model(struct layout *lay, uint32_t model,
                                    int64_t now);

#endif
