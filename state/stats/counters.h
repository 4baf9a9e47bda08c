/*
 * What has become of requests so far, in all and for each model and client.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"

struct layout;

#define TALLY_MODELS  256 /* as LAY_MODELS */
#define TALLY_CLIENTS 1024

/* Of one row of the table of models or of clients. */
struct tally_figures {
    uint64_t requests, sent, refused, streams;
    uint64_t tokens_in, tokens_out;
    int64_t last_at_ms;
    uint64_t outcomes[OUTCOMES]; /* 32 bits last 50 days at 1,000 a second */
    struct reservoir first_byte, queue, gap, speed, bytes;
};

struct counters_recent {
    uint32_t used; /* stored last */
    uint32_t pad;
    struct view_recent what;
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_tally {
    struct tally_sums sums;
    int64_t wall_ms;   /* what the time since 1970 is ahead of the clock */
    uint64_t n_recent; /* ever; the next one's place modulo LIMITER_RECENT */
    struct counters_recent recent[LIMITER_RECENT];
    struct tally_figures models[TALLY_MODELS];
    struct tally_figures clients[TALLY_CLIENTS];
};

/* All of these need the lock. */

/* A request is over, or one of its sends. */
void counters_note(struct layout *lay, const struct limiter_note *note,
                   int64_t now);
void counters_attempt(struct layout *lay, const struct limiter_attempt *a);
/* A send of CLIENT's for MODEL, rows of their tables; MODEL may be NONE. */
void counters_sent(struct layout *lay, uint32_t client, uint32_t model);
/* ROW's worker is gone, and the request with it. */
void counters_lost(struct layout *lay, uint32_t row, int64_t now);

/* A row of a table gets another name. */
void counters_forget_model(struct layout *lay, uint32_t i);
void counters_forget_client(struct layout *lay, uint32_t i);

/* Copies the NTH that ended last, from 0.  False: there is none. */
bool counters_recent(const struct lay_tally *t, uint32_t nth,
                     struct view_recent *out);
/* Noise does not overflow. */
static inline int64_t counters_ns(uint64_t us)
{
    return (int64_t)(us < INT64_MAX / 1000 ? us : INT64_MAX / 1000) * 1000;
}
/* What F says, for people.  Needs no lock. */
void counters_tell(const struct tally_figures *f, struct view_figures *out);

/* The names in S are sound, and each is there once.  Needs no lock for a copy. */
void counters_check(struct tally_sums *s);
/* After a crash: what cannot be is made sound. */
void counters_rebuild(struct lay_tally *t, int64_t now);

#endif
