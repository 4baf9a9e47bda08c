/*
 * How far does a scope keep back after its upstream said 429?
 *
 * A circuit breaker with a slow start, one for each scope.  Its states have
 * other names elsewhere: HOLDING is the open circuit, PROBING the half-open one,
 * and RECOVERING the slow start behind it, where the allowance takes the place
 * of a congestion window.
 *
 *                    a refusal                 the hold is over
 *   NORMAL ------------------------> HOLDING ------------------> PROBING
 *     ^                              ^  ^  ^                      |    |
 *     | all of the limit             |  |  +----- refused --------+    |
 *     |                              |  |                              |
 *     +------------------------- RECOVERING <------- answered ---------+
 *
 * Arithmetic over one struct: time, limits and answers are arguments.
 */
#ifndef SLUICE_RETREAT_H
#define SLUICE_RETREAT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

/* Part of the shared file: whatever is read from it may be anything until
 * retreat_is_sane() has looked. */
struct retreat {
    uint32_t state;  /* enum retreat_state */
    uint32_t streak; /* refusals in a row: how often the hold was made longer */
    int64_t since_ns; /* when it got its state */
    /* Holding: its end.  Probing: the end of the lease.  Recovering: when the
     * allowance is looked at again. */
    int64_t until_ns;
    uint64_t grant;     /* what was granted up to this one is older than the
                         * hold; 0: there was none yet */
    uint64_t probe_id;  /* probing: the row that has the lease; 0: none */
    uint32_t probe_row; /* its place in the table */
    uint32_t before;    /* the allowance when the hold began */
    uint32_t allowance; /* not normal: sends in a window, 1..requests */
    uint32_t step;      /* recovering: the next growth of it */
    uint32_t calm;      /* windows to let pass before it grows */
    uint32_t calm_next; /* the same after the next refusal */
    int64_t opened_ns;  /* the upstream's window, as our sends tell it */
    uint32_t hits;      /* our sends in it */
    uint32_t refused;   /* those of them that were refused */
    char reason[LIMITER_REASON_MAX];
};

/* What holds for the scope. */
struct retreat_rule {
    int64_t window_ns; /* the upstream's */
    int64_t margin_ns;
    int64_t max_ns; /* the longest hold */
    uint32_t requests;
};

struct retreat_refusal {
    int64_t sent_ns;        /* when the refused request was written */
    uint64_t grant;         /* its number */
    uint64_t last_grant;    /* the newest there is */
    int64_t retry_after_ns; /* -1: none given */
    const char *reason;
};

/* Are all values within what the functions below produce? */
bool retreat_is_sane(const struct retreat *r, int64_t now);

/* A request was written AT. */
void retreat_sent(struct retreat *r, const struct retreat_rule *u, int64_t at);

/* One was refused.  True: a hold began; false: the refusal is part of one
 * that is known. */
bool retreat_refused(struct retreat *r, const struct retreat_rule *u,
                     const struct retreat_refusal *what, int64_t now);

/* GRANT was answered otherwise.  True: that ended the probing. */
bool retreat_answered(struct retreat *r, const struct retreat_rule *u,
                      uint64_t grant, int64_t now);

/* What time alone changes.  True: it has another state now; ask again. */
bool retreat_advance(struct retreat *r, const struct retreat_rule *u,
                     int64_t now);

/* ROW, whose number is ID, goes as the probe. */
void retreat_probe(struct retreat *r, uint32_t row, uint64_t id, int64_t now);
/* The next one may go as the probe. */
void retreat_pass_on(struct retreat *r);
/* An operator has had enough of it. */
void retreat_end(struct retreat *r, int64_t now);

/* Sends that a window may hold now, or will after the hold. */
uint32_t retreat_limit(const struct retreat *r, uint32_t requests);

#endif
