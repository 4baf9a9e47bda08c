/*
 * All of the practice upstream hangs on one struct sim.
 */
#ifndef NIMSIM_SIM_H
#define NIMSIM_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "arrivals.h"
#include "keys.h"
#include "orders.h"
#include "waits.h"
#include "window.h"

struct jobs;
struct request;

/* Uniform random transit before a request counts as arrived. */
struct delay {
    int64_t min_ms; /* 0 .. DELAY_MS_MAX */
    int64_t max_ms; /* min_ms .. DELAY_MS_MAX */
};

#define DELAY_MS_MAX 600000

/* Since the start or the last reset, but for the two gauges. */
struct counters {
    uint64_t accepted;
    uint64_t refused;
    uint64_t unauthorized;
    uint64_t faults;      /* accepted, and given one of the faults */
    uint64_t polls;       /* GET /v1/status/... */
    uint64_t results;     /* GET /results/... */
    uint64_t client_gone; /* the client closed before its answer's end */
    uint64_t tokens;      /* of all that arrived */
    uint64_t models;      /* GET /v1/models and below */
    int64_t open;         /* gauge: arrived and not yet answered */
    int64_t connections;  /* gauge */
};

struct sim {
    const char *key;     /* NULL: no key is asked for; fixed after the start */
    struct waits *waits; /* has its own lock */

    pthread_mutex_t lock; /* for all that follows */
    struct window window;
    struct keys keys; /* whose windows take its place, if there are any */
    struct delay delay;
    struct counters counters;
    struct arrivals *arrivals;
    int64_t tokens;         /* in a window; 0: nobody counts them */
    bool refuses_tokens;    /* who would exceed that gets a 429 */
    bool tells_tokens;      /* answers have X-Ratelimit-*-Tokens */
    bool tells_retry_after; /* the limiter's 429 has that header */
    struct orders orders;
    struct jobs *jobs;
    struct request *busy;    /* those that hold a worker: workers.c */
    char result_base[256];   /* of the Location of a 302; "": our own host */
    char list[ORDERS_WORDS]; /* words for GET /v1/models; "": as it should */
};

#endif
