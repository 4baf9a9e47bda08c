/*
 * The bytes of what has become of requests: sums, the last ones, and figures
 * for each client and model.
 */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H

#include <stdint.h>

#include "state/policy/vocabulary.h"
#include "state/stats/last_minute.h"
#include "state/stats/outcomes.h"
#include "state/stats/reservoir.h"

struct lay_histogram {
    uint64_t n[TALLY_BOUNDS + 1]; /* the last: above all bounds */
    uint64_t sum_us;
};

struct lay_code {
    uint32_t status; /* 0: free */
    uint32_t pad;
    uint64_t n;
};

struct lay_route {
    char name[LIMITER_ROUTE_MAX]; /* "": free */
    struct lay_code codes[TALLY_CODES];
    uint64_t other; /* with still other codes */
};

struct lay_provider {
    char name[LIMITER_PROVIDER_MAX]; /* "": free */
    struct lay_histogram first_byte, duration;
    uint64_t errors[UPSTREAM_ERRORS];
    uint64_t tokens_in, tokens_out, answers, told;
};

struct lay_stand_in {
    char asked[LIMITER_NAME_MAX]; /* "": free */
    char served[LIMITER_NAME_MAX];
    uint64_t n;
};

struct lay_sums {
    uint64_t requests; /* for the upstream, ended */
    uint64_t outcomes[OUTCOMES];
    uint64_t reasons[REASONS];
    uint64_t phases[PHASES];
    uint64_t retries[UPSTREAM_ERRORS];
    uint64_t queue_us, first_byte_us, generation_us; /* where time went */
    struct lay_histogram queue[LIMITER_CLASSES];
    struct lay_route routes[TALLY_ROUTES + 1];          /* last: others */
    struct lay_provider providers[TALLY_PROVIDERS + 1]; /* last: others */
    struct lay_stand_in stand_ins[TALLY_STAND_INS + 1]; /* last: others */
};

/* Of one row of the state's table of models or of clients, while it has this
 * name: with another one they begin anew. */
struct lay_figures {
    char name[LIMITER_NAME_MAX];
    uint32_t owner; /* models: the row of the upstream */
    uint32_t used;  /* 0: nothing was counted */
    uint64_t requests, sent, refused, streams;
    uint64_t tokens_in, tokens_out, answers, told;
    int64_t last_at_ms;
    uint64_t outcomes[OUTCOMES];   /* 32 bits last 50 days at 1,000 a second */
    struct lay_last_minute minute; /* of `sent` */
    struct reservoir first_byte, queue, gap, speed, bytes;
};

/* Of one row of the state's table of upstreams, while it has this name. */
struct lay_upstream_sends {
    char name[32]; /* "": nothing was counted */
    uint64_t n, refused, tokens_in, tokens_out, answers, told;
    int64_t last_s; /* the second that was counted last; and how many were in */
    uint32_t in[UPSTREAM_SENDS_S]; /* each, by its number modulo so many */
};

/* A request that ended: as view_recent. */
struct lay_recent {
    uint32_t used; /* stored last */
    uint32_t stream, status, outcome, attempts;
    uint32_t pad;
    int64_t at_ms, queue_ns, first_byte_ns, total_ns;
    uint64_t bytes;
    int64_t tokens_in, tokens_out;
    char id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
    char route[LIMITER_ROUTE_MAX];
    char code[LIMITER_CODE_MAX];
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_tally {
    struct lay_sums sums;
    int64_t wall_ms;   /* what the time since 1970 is ahead of the clock */
    uint64_t n_recent; /* ever; the next one's place modulo LIMITER_RECENT */
    struct lay_recent recent[LIMITER_RECENT];
    struct lay_figures models[LIMITER_MODELS];
    struct lay_figures clients[LIMITER_CLIENTS];
    struct lay_upstream_sends upstreams[LIMITER_UPSTREAMS];
};

#endif
