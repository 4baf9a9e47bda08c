/*
 * What a view's scopes and rows are put together with.
 */
#ifndef SLUICE_VIEW_LISTS_H
#define SLUICE_VIEW_LISTS_H

#include <stdint.h>

#include "state/policy/take.h"
#include "state/policy/wait_cause.h"
#include "state/view_form.h"

struct view_queue {
    struct layout *lay;
    struct limiter_view *out;
    int64_t now;
    uint32_t *scope_ids; /* the layout's index of each scope in the view */
    uint32_t *scope_of;  /* and the other way round, from 1; 0: it is in none */
    uint64_t (*start)[LIMITER_CLASSES]; /* of the classes of each */
    int64_t *etas;                      /* by position, */
    struct take *takes;                 /* the same, */
    uint32_t *rows;                     /* and which of the scope's it is */
    int64_t *slot_etas;    /* by row of the state: own limits left aside */
    struct wait_why *whys; /* of each of the layout's scopes, if it is known: */
    uint8_t *why_known;
    struct line_eta *line;              /* of the shared line that is copied */
    int64_t of_next[LIMITER_UPSTREAMS]; /* in the line of each: a new one's */
};

#endif
