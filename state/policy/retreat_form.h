/*
 * What is kept of a retreat; what is done with it says retreat.h.
 */
#ifndef SLUICE_RETREAT_FORM_H
#define SLUICE_RETREAT_FORM_H

#include <stdint.h>

#include "state/policy/chance.h"
#include "state/policy/finding.h"
#include "state/policy/pace.h"
#include "state/policy/retreat_rule.h"
#include "state/policy/rhythm.h"
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
    struct rhythm rhythm;
    char reason[LIMITER_REASON_MAX];
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

#endif
