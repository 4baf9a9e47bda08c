/*
 * How far does a scope keep back after its upstream said 429, and what was learned
 * of its limit?
 *
 * A circuit breaker with a slow start, one for each upstream and each model.
 * Its states have other names elsewhere: HOLDING is the open circuit, PROBING
 * the half-open one, and RECOVERING the slow start behind it.
 *
 *                    a refusal                 the hold is over
 *   NORMAL ------------------------> HOLDING ------------------> PROBING
 *     ^                              ^  ^  ^                      |    |
 *     | nothing holds it back        |  |  +----- refused --------+    |
 *     |                              |  |                              |
 *     +------------------------- RECOVERING <------- answered ---------+
 *
 * What a refusal means it finds out by trying (retreat.c): a full window, a
 * rate, or bad luck.
 *
 * Arithmetic over one struct: time, limits and answers are arguments.
 */
#ifndef SLUICE_RETREAT_H
#define SLUICE_RETREAT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/chance.h"
#include "state/policy/finding.h"
#include "state/policy/pace.h"
#include "state/policy/upstream_window.h"
#include "state/policy/vocabulary.h"

/* Part of the shared file: whatever is read from it may be anything until
 * retreat_is_sane() has looked. */
struct retreat {
    uint32_t state;     /* enum retreat_state */
    uint32_t learned;   /* enum learned */
    int64_t since_ns;   /* when it got its state */
    int64_t learned_ns; /* when it was learned */
    /* Holding: its end.  Probing: the end of the lease.  Recovering: when what
     * holds it back is looked at again. */
    int64_t until_ns;
    uint64_t grant;     /* what was granted up to this one is older than the
                         * hold; 0: there was none yet */
    uint64_t probe_id;  /* probing: the row that has the lease; 0: none */
    uint32_t probe_row; /* its place in the table */
    uint32_t strays;    /* in a row that were taken for chance, each sent after
                         * the one before it was known */
    int64_t last_ns;    /* the latest grant; what a pace counts from */
    int64_t passed_ns;  /* the latest send that passed, */
    int64_t refused_ns; /* and that was refused, */
    int64_t told_ns;    /* and when that was known */
    int64_t refuse_ns;  /* for so long a refusal is on its way, at most */
    struct upstream_window window;
    struct pace pace;
    struct finding find;
    struct chance luck;
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
    uint32_t in_window;     /* as many were sent in the window before it, and
                             * with it, as the log has it; 0: not known */
    uint64_t grant;         /* its number */
    uint64_t last_grant;    /* the newest there is */
    int64_t retry_after_ns; /* -1: none given */
    const char *reason;
};

/* Are all values within what the functions below produce? */
bool retreat_is_sane(const struct retreat *r, int64_t now);

/* A request was granted; it was written AT; a grant was given back unused. */
void retreat_taken(struct retreat *r, int64_t now);
void retreat_sent(struct retreat *r, const struct retreat_rule *u, int64_t at);
void retreat_given_back(struct retreat *r);

/* One was refused.  True: a hold began; false: the refusal is part of one that is
 * known, or no reason to hold. */
bool retreat_refused(struct retreat *r, const struct retreat_rule *u,
                     const struct retreat_refusal *what, int64_t now);
/* The same where another scope answers for it: it is counted, no more. */
void retreat_note_refused(struct retreat *r, const struct retreat_refusal *what,
                          int64_t now);

/* GRANT, sent SENT_NS, was answered well.  True: that changed the state. */
bool retreat_answered(struct retreat *r, const struct retreat_rule *u,
                      uint64_t grant, int64_t sent_ns, int64_t now);

/* What time alone changes.  True: it has another state now; ask again. */
bool retreat_advance(struct retreat *r, const struct retreat_rule *u,
                     int64_t now);

/* ROW, whose number is ID, goes as the probe. */
void retreat_probe(struct retreat *r, uint32_t row, uint64_t id, int64_t now);
/* The next one may go as the probe. */
void retreat_pass_on(struct retreat *r);
/* By then a refusal of what was sent SENT_NS would have come: it is as if that had
 * passed. */
int64_t retreat_silent_at(const struct retreat *r, int64_t sent_ns);
/* An operator has had enough of it, or another scope answers for all of it. */
void retreat_end(struct retreat *r, int64_t now);

/* Is it open what its refusals mean? */
bool retreat_is_finding_out(const struct retreat *r);
/* Were more sent in this window than are known to pass?  IN_WINDOW as above. */
bool retreat_is_at_limit(const struct retreat *r, const struct retreat_rule *u,
                         uint32_t in_window);

/* From when on may the next one go, as far as slow start and pace decide? */
int64_t retreat_free_at(const struct retreat *r);
/* Sends that a window may hold now, or will after the hold. */
uint32_t retreat_limit(const struct retreat *r, uint32_t requests);

#endif
