/*
 * A state directory, workers and requests, for what is measured of state/
 * alone.  One directory at a time.
 */
#ifndef SLUICE_BENCH_DESK_H
#define SLUICE_BENCH_DESK_H

#include "state/limiter.h"

/* A request and what became of it. */
struct ask {
    struct ticket *ticket;
    const char *client;
    enum limiter_class cls;
    bool granted, refused;
    const struct limiter_choice *choices; /* NULL: the one upstream */
    uint32_t n_choices, tokens; /* of its answer at most; 0: none is limited */
};

/* CLOCK_BOOTTIME, as state/ wants it. */
int64_t desk_now_ns(void);

/* Makes a directory below TMPDIR; removes it with all that is in it. */
void desk_init(void);
void desk_fini(void);

/* One upstream; the queue takes what the state file can hold. */
struct limiter_settings desk_settings(uint32_t requests, int64_t window_ns,
                                      uint32_t in_flight);
/* SET for N upstreams like its first, which share a line and have a limit in
 * tokens that nobody reaches. */
void desk_share(struct limiter_settings *set, uint32_t n);
/* A worker on the directory, with its place in the roster; or exits. */
struct limiter *desk_worker(const struct limiter_settings *set);

void desk_join(struct limiter *lim, struct ask *a);
void desk_leave(struct limiter *lim, struct ask *a, bool unsent);
/* Turns until everything asked was done. */
void desk_turn(struct limiter *lim);

#endif
