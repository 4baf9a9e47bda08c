/*
 * One run: a row's upstream, a policy, a seed, in virtual time.
 */
#ifndef SLUICE_GOODPUT_RUN_H
#define SLUICE_GOODPUT_RUN_H

#include "heap.h"
#include "policy.h"
#include "row.h"
#include "tests/bench/samples.h"

/*
 * Virtual time begins here: far ahead of any machine's clock, so that nothing
 * in the limiter that looks at the clock finds it later than the turn it is in.
 */
#define RUN_T0 (INT64_C(400000000) * NS_PER_S)

struct job { /* a loop's request; the loop's, again and again */
    uint32_t client;
    int model;
    bool poisoned;
    bool at_any_time;
    int64_t think_ns;
    uint32_t asked;     /* so often, and */
    struct size size;   /* this is how large the last one is */
    uint32_t at;        /* the upstream it goes to: the policy's word */
    int64_t asked_ns;   /* when its client asked */
    int64_t eta_ns;     /* when a slot was foretold; -1: it was not */
    int64_t sent_ns;    /* its last attempt */
    uint32_t attempts;  /* sent so far */
    uint32_t faults;    /* and how many of them failed otherwise */
    struct answer said; /* on its way */
    bool waits;         /* asked, not answered */
    bool is_kept;       /* the policy's: on a connection that was there, */
    bool is_fresh;      /* and not again, because one was dead */
    struct job *next;   /* the policy's, too, */
    void *own;          /* and this */
};

/* What a run is judged by. */
struct score {
    uint32_t passed, refused, done, failed;
    uint32_t passed_in[WINDOWS_MAX], refused_in[WINDOWS_MAX];
    uint32_t by_model[MODELS], by_client[CLIENTS];
    double even; /* passed; what came late in the last window, in part */
    int64_t eta_p50_ns, eta_p90_ns, own_eta_p50_ns, own_eta_p90_ns;
    int64_t wait_ns, wait_p50_ns, wait_p90_ns, finished_ns;
    double most;     /* in a window, in % of its limit */
    uint64_t tokens; /* of what passed */
    uint32_t beside; /* what the best of the other policies has passed */
    uint32_t beyond;
    uint32_t poisoned, tried; /* requests, and attempts of them */
};

struct run {
    const struct row *row;
    const struct policy *policy;
    void *state;
    int64_t now, end_ns;
    uint64_t dice, seed;
    struct upstream upstreams[UPSTREAMS];
    uint32_t n_upstreams;
    struct heap heap;
    struct job jobs[LOOPS_MAX];
    uint32_t n_jobs;
    int64_t refused_ns; /* the first refusal was known then; NEVER: none yet */
    struct samples etas, own_etas; /* of all, and of the first model */
    struct samples waits;
    struct score score;
};

void run_row(const struct row *row, const struct policy *policy, uint64_t seed,
             struct score *out);

/* ---- for policies ------------------------------------------------------------ */

/* J goes to the upstream that it is AT. */
void run_send(struct run *r, struct job *j);
/* The policy has J back AT that time. */
void run_later(struct run *r, struct job *j, int64_t at);
/* J's client has its answer, or is told that there will be none. */
void run_done(struct run *r, struct job *j, bool good);
/* A pause before the attempt after J's Nth fault: FIRST, doubling up to MAX,
 * less up to a quarter by chance. */
int64_t run_pause_ns(struct run *r, uint32_t n, int64_t first_ns,
                     int64_t max_ns);

#endif
