/*
 * Could a request that comes now be served soon?
 */
#ifndef SLUICE_READINESS_H
#define SLUICE_READINESS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/reachability.h"

struct limiter;

enum ready_store {
    READY_NO_STORE,
    READY_STORE_UP,   /* or lost, and this host goes on with its part */
    READY_STORE_LOST, /* all wait until it is back */
};

struct limiter_ready_upstream {
    int64_t tokens_milli, burst_milli; /* in the bucket, and at most */
    int64_t eta_ns;                    /* of a new normal request; -1 unknown */
    enum key_word key;                 /* what it said of ours last */
    uint16_t key_status;               /* refused with */
    bool held; /* it is left alone: all to it waits or is refused; and why: */
    enum ejection_cause cause;
};

struct limiter_ready {
    enum probe_state probe;
    bool reachable;               /* as it was known last */
    uint16_t status;              /* of that answer; 0: there was none, */
    char why[LIMITER_REASON_MAX]; /* for this; "": it took too long */
    enum ready_store store;       /* that several hosts share */
    uint32_t waiting, waiting_max;
    uint32_t n_upstreams;
    struct limiter_ready_upstream upstreams[LIMITER_UPSTREAMS];
};

/* Could a new request be served?  False: the state is busy, ask again. */
MUST_USE bool limiter_ready(struct limiter *lim,
                            const struct limiter_probe_times *times,
                            int64_t now, struct limiter_ready *out);
/* What came of PROBE_OURS; WHY, of no answer, is copied.  False as above. */
MUST_USE bool limiter_probed(struct limiter *lim, bool reachable,
                             uint16_t status, const char *why, int64_t now);

#endif
