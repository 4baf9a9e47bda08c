/*
 * What a verdict consists of.
 */
#ifndef SLUICE_VERDICT_FORM_H
#define SLUICE_VERDICT_FORM_H

#include <stdint.h>

#include "state/policy/vocabulary.h"

/* What a word means to whoever looks: nothing to do, somebody waits, the upstream
 * or an operator keeps all back, something is broken. */
enum view_tone { TONE_FINE = 0, TONE_WAIT = 1, TONE_HOLD = 2, TONE_BAD = 3 };

extern const char *const view_tone_names[];

struct view_verdict {
    const char *word; /* for programs; the rest is for people */
    enum view_tone tone;
    char title[160];     /* one sentence */
    char reason[320];    /* what it follows from */
    char next_step[320]; /* ""; there is nothing to do */
    char upstream[LIMITER_NAME_MAX], model[LIMITER_NAME_MAX],
        client[LIMITER_NAME_MAX]; /* whose it is; "": of no one */
    uint32_t waiting;             /* for that */
    int64_t ends_ns;              /* it is over then, or goes on; -1: unknown */
};

#endif
