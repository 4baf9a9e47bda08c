/*
 * What was when, and how long it is kept.
 */
#ifndef SLUICE_HISTORY_H
#define SLUICE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"
#include "state/stats/outcomes.h"
#include "state/stats/quantiles.h"

struct limiter;

#define PAST_POINTS 1000 /* steps of one answer */
#define PAST_BANDS  3

/* Moments are seconds since 1970. */
struct past_range {
    int64_t from_s, to_s, now_s;
    uint32_t points; /* 1..PAST_POINTS */
    int64_t grain_s; /* steps are multiples of it; 0: of no meaning */
};

struct past_step {
    int64_t begin_s;
    bool kept; /* false: we were not running, and all else is 0 */
    uint64_t sends, requests, outcomes[OUTCOMES];
    uint32_t waiting, in_flight;                     /* the most there were */
    uint32_t window_used, window_limit;              /* of the first upstream */
    uint64_t queue_us, first_byte_us, generation_us; /* sums */
    uint64_t queue_n, first_byte_n, generation_n;    /* of how many */
    uint64_t tokens_in, tokens_out;
    int64_t told; /* good answers, but those that did not tell their tokens;
                   * -1: kept by a build that did not count them */
    /* -1: of none. */
    int64_t queue_p50_us, queue_p95_us, first_byte_p50_us, first_byte_p95_us;
    int64_t speed_p50_milli, speed_p95_milli; /* tokens a second */
    uint64_t counts[PAST_BANDS][PAST_BUCKETS];
};

struct limiter_past {
    int64_t from_s, to_s, step_s;
    int64_t kept_from_s; /* the oldest there is; 0: none */
    uint32_t ring;       /* it is made of its records */
    uint32_t n;
    struct past_step steps[PAST_POINTS];
};

/* What was from FROM to TO, both included, in steps of the finest kind that is
 * kept so far back; of a future nothing.  False: the state is busy. */
MUST_USE bool limiter_history(struct limiter *lim,
                              const struct past_range *range,
                              struct limiter_past *out);

/* What went to one upstream, by the name it had. */
struct past_went {
    char name[32];
    struct past_went_step {
        uint64_t sends, refused, tokens_in, tokens_out;
    } steps[PAST_POINTS];
};

struct past_trails {
    int64_t kept_from_s; /* the oldest that is known; 0: none */
    uint32_t n;
    struct past_went of[LIMITER_UPSTREAMS];
};

/* Where the requests of PAST went, step by step: those with anything in it, in
 * the order of their names.  False: the state is busy. */
MUST_USE bool limiter_history_trails(struct limiter *lim,
                                     const struct limiter_past *past,
                                     struct past_trails *out);

/* Whose deeds are kept. */
enum past_whose { PAST_MODELS = 0, PAST_CLIENTS = 1 };

/* What models, or clients, did: what is counted of each. */
enum past_count {
    PAST_REQUESTS = 0,
    PAST_OK = 1,
    PAST_ERRORS = 2,
    PAST_REFUSED = 3,
    PAST_STREAMS = 4,
    PAST_SENDS = 5,
    PAST_ANSWERS = 6,
    PAST_TOLD = 7,
    PAST_TOKENS_IN = 8,
    PAST_TOKENS_OUT = 9,
    PAST_BYTES_IN = 10,
    PAST_BYTES_OUT = 11,
    PAST_COUNTS = 12,
};

/* And how long it took, of one that was asked for. */
struct past_took {
    uint64_t queue_ms, first_byte_ms, answer_ms; /* sums */
    uint64_t queue_n, first_byte_n, answer_n;    /* of how many */
    /* -1: of none. */
    int64_t queue_p50_us, queue_p95_us, first_byte_p50_us, first_byte_p95_us;
    uint64_t counts[2][PAST_BUCKETS]; /* of BAND_QUEUE, BAND_FIRST_BYTE */
};

struct past_deeds {
    char name[LIMITER_NAME_MAX]; /* "": all that have none any more */
    uint32_t id;
    uint64_t requests;              /* in all */
    uint64_t (*steps)[PAST_COUNTS]; /* NULL: nothing in the range */
    struct past_took *took;         /* NULL: it was not asked for */
};

#define PAST_DEEDS 129 /* names, and the others as the last of them */

struct past_ledger {
    int64_t kept_from_s; /* the oldest of which all is known; 0: nothing */
    uint32_t n;          /* with anything in it, but for the others */
    struct past_deeds of[PAST_DEEDS], others;
};

/* Which moments of WHOSE deeds reach back to RANGE's begin?  Sets
 * its grain; *POOL is for limiter_history_ledger().  False: the state is busy. */
MUST_USE bool limiter_history_grain(struct limiter *lim, enum past_whose whose,
                                    struct past_range *range, uint32_t *pool);
/* What each did in the steps of PAST, which were laid out with that grain, by
 * name; of NAME alone, and how long it took, unless that is NULL.  False: the
 * state is busy.  past_ledger_free() in any case. */
MUST_USE bool limiter_history_ledger(struct limiter *lim, enum past_whose whose,
                                     uint32_t pool,
                                     const struct limiter_past *past,
                                     const char *name, struct past_ledger *out);
void past_ledger_free(struct past_ledger *out);

/* History is to be kept in directory DATA_DIR, made if only it is missing:
 * every EVERY_NS by one of all workers, and at the end.  Called once. */
void limiter_keep(struct limiter *lim, const char *data_dir, int64_t every_ns);

#endif
