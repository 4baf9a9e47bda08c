/*
 * What a model's name asks the practice upstream to do.
 */
#ifndef NIMSIM_MODEL_H
#define NIMSIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "faults.h"

/* -1 means "not asked for" in every number below. */
struct behaviour {
    enum fault fault;
    int64_t status;        /* status-CODE */
    int64_t retry_after_s; /* retry-after-S, on any error */
    int64_t times;         /* times-N: faults for the first N arrivals only */

    int64_t slow_ms;    /* slow-MS */
    int64_t tokens;     /* tokens-N, stream-N-MS */
    int64_t gap_ms;     /* stream-N-MS */
    int64_t silence_ms; /* silence-MS */
    int64_t big_kib;    /* big-KB */

    int64_t cut_bytes;   /* cut-BYTES */
    int64_t end_bytes;   /* early-end-BYTES */
    int64_t split_bytes; /* split-N */
    bool comments;
};

/* Fills *B from MODEL.  Parts that are not understood ask for nothing. */
void behaviour_parse(struct behaviour *b, const char *model);

/* Takes every fault out of *B; pace and size of the answer stay. */
void behaviour_heal(struct behaviour *b);

#endif
