/*
 * What a row wants besides its place in line: where it may go, what it takes of
 * limits in tokens, where its conversation went.  Parts of layout.h.
 */
#ifndef SLUICE_LAY_WANT_H
#define SLUICE_LAY_WANT_H

#include <stdint.h>

#include "state/policy/vocabulary.h"

#define LAY_NO_MODEL UINT16_MAX

#define WANTS_PATIENCE_NS (10 * NS_PER_MS) /* unit of lay_choice.patience */

struct lay_choice { /* as limiter_choice */
    uint8_t upstream, rank;
    uint16_t model;      /* or LAY_NO_MODEL */
    uint16_t patience;   /* in hundredths of a second */
    uint8_t number, pad; /* of the request's choices */
};

/* Where the row with the same index may go, if that has ROW_CHOOSES: it is of a
 * line that several upstreams share. */
struct lay_want {
    uint16_t n;    /* from 1; by rank */
    uint16_t mark; /* 1 + the choice that it has a slot of, or one kept; 0 */
    struct lay_choice choice[LIMITER_CHOICES];
};

/* Where a send is in a log. */
struct lay_place {
    int64_t t_ns;
    uint32_t chunk, k; /* chunk NONE: in none */
};

/* Of the row with the same index. */
struct lay_tokens {
    uint32_t in, out;           /* guessed when it joined */
    uint32_t takes;             /* what its scope's limit counts of them, */
    uint32_t own;               /* and its client's: both */
    struct lay_place in_scope;  /* in its scope's log, */
    struct lay_place in_client; /* and in its client's; t_ns 0: nothing of it is
                                 * to be settled */
    uint64_t lease; /* by which it was sent, where a store lends them */
};

struct lay_affinity {  /* of a conversation */
    uint64_t key;      /* 0: free */
    int64_t at_ns;     /* when it went last, */
    uint32_t upstream; /* and where */
    uint32_t pad;
};

#endif
