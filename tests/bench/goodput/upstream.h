/*
 * An upstream: its limits, its moods, and who else uses it.
 */
#ifndef SLUICE_GOODPUT_UPSTREAM_H
#define SLUICE_GOODPUT_UPSTREAM_H

#include "ledger.h"
#include "limit.h"

#define MODELS     8
#define LIMITS_MAX 2

#define OF_ACCOUNT (-1) /* else the number of a model */
#define OF_EACH    (-2) /* every model has one of its own */

/* What an answer means, as fcgi/upstream/verdict.c reads it. */
enum say {
    SAY_FINE = 0,
    SAY_RATE = 1,   /* 429 */
    SAY_BUSY = 2,   /* 503, no worker is free */
    SAY_FAULT = 3,  /* 500 */
    SAY_SILENT = 4, /* the connection ends without an answer */
    SAY_NEVER = 5,  /* 429, and its words say that this one never passes */
    SAY_MIXED = 6,  /* one of the first four that are no FINE, by chance */
    SAY_AWAY = 7,   /* there is no connection to be had: it was not sent */
};

struct answer {
    enum say say;
    int64_t retry_after_ns; /* -1: none given */
    int64_t after_ns;       /* so long after the hit it comes */
};

struct upstream_spec {
    struct {
        struct limit_spec limit;
        int of;
        enum say says; /* SAY_FINE: RATE */
        bool tells;    /* Retry-After */
    } limits[LIMITS_MAX];
    struct {
        unsigned permille; /* of what its limits let pass is refused */
        int of;
        enum say says;
    } shed;
    struct {
        int64_t at_ns;
        uint32_t size; /* the first limit's, from then on */
    } change;
    struct {
        int64_t from_ns, to_ns;
        enum say says; /* to everything; SAY_FINE: FAULT */
    } outage;
    struct {
        int64_t every_ns;
        uint32_t n; /* hits at once */
    } stranger;
    struct {
        uint32_t size; /* 0: no limit */
        int64_t window_ns;
    } tokens; /* one more passes while fewer were used in the last window: what
               * it will take it does not know, and counts it whole */
    int64_t way_ns;             /* a hit is on its way for up to so long; 0:
                                 * 40 ms */
    int64_t refuse_ns;          /* until a refusal comes; 0: 20 ms */
    int64_t answer_ns;          /* until an answer does; 0: 300 ms, */
    int64_t service_ns[MODELS]; /* 0: as that */
};

struct upstream {
    const struct upstream_spec *spec;
    int64_t start_ns; /* times of the spec count from here */
    uint64_t seed;
    uint64_t hits;
    struct limit limits[LIMITS_MAX][MODELS];
    struct ledger sends, tokens;
};

/* What arrives. */
struct hit {
    int model;
    bool poisoned;   /* it never passes */
    uint32_t tokens; /* that it takes if it passes */
};

void upstream_init(struct upstream *u, const struct upstream_spec *spec,
                   int64_t window_ns, uint64_t seed, int64_t now);
void upstream_fini(struct upstream *u);

struct answer upstream_hit(struct upstream *u, const struct hit *hit,
                           int64_t now);
/* Nobody can connect to it. */
bool upstream_is_away(const struct upstream *u, int64_t now);
/* The answer to one that passed is out. */
void upstream_end(struct upstream *u, int model);
/* Somebody else's. */
void upstream_stranger(struct upstream *u, int64_t now);
void upstream_change(struct upstream *u);

/* How many of MODEL would the limits let pass now; or, OF_ACCOUNT, of all
 * models together, whatever the limits of each? */
uint32_t upstream_left(struct upstream *u, int model, int64_t now);
/* When is there room for one of MODEL, by time alone?  As limit_opens_ns(). */
int64_t upstream_opens_ns(struct upstream *u, int model, int64_t now);

#endif
