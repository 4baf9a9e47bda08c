/*
 * What has become of requests: told by those that answer them, read by a scrape.
 */
#ifndef SLUICE_STATS_H
#define SLUICE_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"
#include "state/view_form.h"

struct limiter;

/* Both copy what they are given; it counts from the next turn on. */
void limiter_note(struct limiter *lim, const struct limiter_note *note);
void limiter_note_attempt(struct limiter *lim, const struct limiter_attempt *a);

/* ---- sums of all workers ------------------------------------------------ */

/* The limits of an upstream, or of all its models together. */
struct tally_upstream {
    char name[32];
    uint64_t in_flight, window_used, window_limit;
    int64_t tokens_milli; /* of its bucket, which are sends */
    uint64_t tokens_used, tokens_reserved, tokens_limit; /* 0: no limit */
    struct upstream_sends went;
    uint64_t key_refused; /* 1: ours is, there */
    /* Why it is left alone, since it has not answered otherwise; or EJECTED_NOT. */
    enum ejection_cause held;
    uint32_t states[RETREAT_STATES]; /* how many of its limits are in each, */
    uint32_t learned[LEARNED_KINDS]; /* and turned out to be of each kind */
};

struct limiter_tally {
    struct tally_sums sums;
    struct limiter_counters counters;
    int64_t uptime_ns;
    uint32_t n_workers, n_upstreams;
    uint32_t waiting[LIMITER_CLASSES];
    uint32_t waiting_max; /* queue.max */
    bool paused;
    struct view_store store; /* that this host shares with others */
    struct tally_upstream upstreams[LIMITER_UPSTREAMS];
};

/* Copies them.  False: the state is busy, ask again. */
MUST_USE bool limiter_tally(struct limiter *lim, int64_t now,
                            struct limiter_tally *out);

#endif
