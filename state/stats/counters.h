/*
 * What has become of requests so far, in all and for each model and client.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include <stdint.h>

#include "state/stats/outcomes.h"

struct figures_of;
struct lay_counters;
struct stats_layout;
struct worker_lost;

/* All of these need the lock. */

/* What workers did: taken over from N, which is none then. */
void counters_add(struct lay_counters *to, struct limiter_counters *n);
/* And told. */
void counters_told(const struct lay_counters *n, struct limiter_counters *to);

/* A request is over, or one of its sends. */
void counters_note(struct stats_layout *st, const struct limiter_note *note,
                   const struct figures_of *who, int64_t now);
void counters_attempt(struct stats_layout *st, const struct limiter_attempt *a);
/* A send of WHO's. */
void counters_sent(struct stats_layout *st, const struct figures_of *who,
                   int64_t now);
/* The same: it went to the upstream of that row, called NAME. */
void counters_went(struct stats_layout *st, uint32_t upstream, const char *name,
                   int64_t now);
/* And what that one answered. */
void counters_answered(struct stats_layout *st, uint32_t upstream,
                       const char *name, const struct upstream_answer *a);
/* A request's worker is gone, and the request with it. */
void counters_lost(struct stats_layout *st, const struct worker_lost *lost,
                   int64_t now);
/* After a crash: what cannot be is made sound. */
void counters_rebuild(struct stats_layout *st);

#endif
