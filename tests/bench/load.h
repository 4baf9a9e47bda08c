/* One run of the load generator: what was asked for, what came of it. */
#ifndef SLUICE_BENCH_LOAD_H
#define SLUICE_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "samples.h"

#define CLIENTS_MAX  4096
#define REQUESTS_MAX 5000000 /* a bound, so that no run is endless */
#define SECONDS_MAX  7200
#define HEADERS_MAX  16
#define HASHES_MAX   8 /* kinds of answers told apart; more are "other" */

struct load_options {
    uint16_t port; /* of 127.0.0.1, nothing else */
    char path[512];
    const char *method;
    const char *body; /* NULL: none */
    const char *headers[HEADERS_MAX];
    int n_headers;
    int names;         /* numbers in them; 0: each client has its own */
    int pad_bytes;     /* a member "pad" of that size is added to the body */
    int64_t clients;   /* at once */
    int64_t requests;  /* in all */
    int64_t run_ns;    /* no new request after that */
    int64_t grace_ns;  /* then open ones may finish */
    int64_t hangup_ns; /* close after that, 0: never */
    int64_t think_ns;  /* pause of a client between two requests */
    int64_t spread_ns; /* the clients begin spread over this */
    int64_t gap_ns;    /* of the model's events; 0: no delays wanted */
    int64_t words;     /* of the model's stream */
    int64_t read_bps;  /* slow readers, 0: as fast as it comes */
    uint16_t sim_port; /* whose arrivals the delays count from */
    bool stream, close_each;
};

/* A stream's events, for the comparison with nimsim's schedule. */
struct load_stream {
    uint64_t seq; /* of nimsim's log, taken from the answer's id */
    int64_t *at_ns;
    int64_t n;
};

struct load {
    struct load_options o;
    int ep;
    int64_t begun, finished; /* requests */
    int64_t ok, refused, cut, failed, hung_up, reconnects, unfinished;
    int64_t status[600];
    int64_t bytes, events, done_seen;
    struct samples latency, first_byte;
    struct {
        uint64_t hash;
        int64_t n;
    } hashes[HASHES_MAX];
    int64_t other_hashes;
    struct load_stream *streams;
    int64_t n_streams;
    int64_t start_ns, end_ns;
};

#endif
