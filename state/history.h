/*
 * What was when, and how long it is kept.
 */
#ifndef SLUICE_HISTORY_H
#define SLUICE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"
#include "state/stats/quantiles.h"

struct limiter;

#define PAST_POINTS 1000 /* steps of one answer */
#define PAST_BANDS  3

/* Moments are seconds since 1970. */
struct past_range {
    int64_t from_s, to_s, now_s;
    uint32_t points; /* 1..PAST_POINTS */
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

/* History is to be kept in directory DATA_DIR, made if only it is missing:
 * every EVERY_NS by one of all workers, and at the end.  Called once. */
void limiter_keep(struct limiter *lim, const char *data_dir, int64_t every_ns);

#endif
