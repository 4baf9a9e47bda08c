/*
 * A row of the table: an upstream, what is asked of it, what must come out.
 */
#ifndef SLUICE_GOODPUT_ROW_H
#define SLUICE_GOODPUT_ROW_H

#include "sizes.h"
#include "upstream.h"

#define CLIENTS     16
#define WINDOWS_MAX 128
#define LOOPS_MAX   256
#define BOUNDS_MAX  5
#define WANTED_MAX  2
#define UPSTREAMS   3

/* What is measured of a run; a row of score.c's table each. */
enum metric {
    GOODPUT = 0,    /* answers, in % of the oracle's; of a number of jobs:
                     * of its rate */
    REFUSED = 1,    /* refusals a window */
    LATER = 2,      /* the same from the third window on */
    PER_ANSWER = 3, /* refusals an answer, from the third window on */
    RECOVER = 4,    /* windows after the change, or the outage */
    WATCHED = 5,    /* the first model's answers, in % of what it is owed */
    OTHERS = 6,     /* the other models' */
    CLIENT = 7,     /* the least client's, in % of an equal share */
    ETA_P50 = 8,    /* seconds between the first slot and what was foretold */
    ETA_P90 = 9,
    OWN_ETA_P50 = 10, /* of the first model's */
    OWN_ETA_P90 = 11,
    WAIT = 12,   /* the longest wait in seconds, of those not poisoned */
    BEYOND = 13, /* refusals in three windows of what was sent after the first
                    refusal was known */
    DONE = 14,   /* % of a number of jobs */
    SLOWER = 15, /* time for all jobs, as a multiple of the oracle's */
    EVEN = 16,   /* goodput, averaged over where in its last window a run is
                  * stopped: that a burst was just in time is no merit */
    TRIED = 17,  /* how often a poisoned request is sent, each */
    WAIT_P50 = 18,
    WAIT_P90 = 19,
    MOST = 20,   /* sends, or tokens, in any window, in % of its limit: the most
                  * of any upstream */
    BESIDE = 21, /* goodput, in % of the best of the other policies' */
    SERVED = 22, /* answers a window */
    TOKENS = 23, /* those used, in % of the oracle's */
    USED = 24,   /* the same, in % of the limit */
    METRICS = 25,
};

/* Loops, each of which asks, waits for its answer, thinks and asks again. */
struct demand {
    uint32_t loops;
    uint32_t clients, first_client; /* 0: one; taken in turn */
    int models, first_model;        /* the same, clients first */
    int64_t think_ns;
    bool poisoned;    /* none of these requests ever passes */
    bool at_any_time; /* THINK_NS is a mean: they come by chance */
};

struct bound {
    enum metric metric;
    double at; /* at least or at most, as the metric has it */
};

/* What is asked, and with that: who is compared, and by what. */
enum row_kind {
    ROW_ONE = 0, /* what is made of an upstream */
    ROW_CHOICE =
        1, /* several upstreams for the same requests: of all of them */
    ROW_TOKENS = 2, /* a limit in tokens */
    ROW_KINDS = 3,
};

struct row {
    const char *name;
    enum row_kind kind;
    const char *group; /* of the first of a group: its title */
    int64_t window_ns; /* 0: 60 s */
    uint32_t windows;  /* 0: 20 */
    uint32_t believed; /* the limit as set; 0: 40 a window */
    int64_t margin_ns; /* 0: 500 ms */
    bool promised;     /* the oracle keeps the operator's promise, too: no more
                        * than BELIEVED within a window and its margin */
    uint32_t tries;    /* retry.max; 0: 3 */
    uint32_t jobs;     /* above 0: each loop asks once; this is how many */
    struct upstream_spec upstream;
    struct {
        struct upstream_spec upstream;
        uint32_t believed;
    } more[UPSTREAMS - 1];   /* of a choice; up to the first BELIEVED of 0 */
    enum bound_given given;  /* of a row in tokens */
    struct demand demand[2]; /* none: 100 loops of 8 clients, one model */
    double owed[MODELS];     /* answers a window; 0: not judged */
    struct bound bounds[BOUNDS_MAX]; /* up to the first AT of 0 */
    struct bound wanted[WANTED_MAX]; /* the same: asked for, and not reached
                                      * yet; shown, and no fault */
    struct bound seen; /* measured end to end, with nimsim; AT 0: it was not */
    bool holds;        /* every bound does today: for the short form */
};

/* A list of rows for each kind, up to the first without a name. */
extern const struct row *const rows_of[ROW_KINDS];
extern const struct row rows_one[], rows_choice[], rows_tokens[];

/* With what is not said filled in. */
struct row row_whole(const struct row *r);
uint32_t row_bounds(const struct row *r);
uint32_t row_upstreams(const struct row *r);
const struct upstream_spec *row_upstream(const struct row *r, uint32_t i);
uint32_t row_believed(const struct row *r, uint32_t i);
/* NULL: there is none. */
const struct row *row_named(const char *name);
#endif
