/*
 * `sluicectl top`: what is chosen, and how it looks.
 */
#ifndef SLUICE_TOP_H
#define SLUICE_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/paint.h"
#include "ctl/trend.h"
#include "state/policy/vocabulary.h"

struct limiter_view;

enum top_sort {
    SORT_ORDER = 0, /* in which they will go */
    SORT_AGE = 1,
    SORT_ETA = 2,
    SORT_CLIENT = 3,
    SORT_MODEL = 4,
    SORTS = 5,
};

/* What a key means now. */
enum top_mode {
    MODE_LOOK = 0,
    MODE_FILTER = 1, /* a text is being typed */
    MODE_CANCEL = 2, /* y or n: the chosen request ends */
    MODE_PAUSE = 3,  /* y or n: nothing is sent any more */
    MODE_HELP = 4,
};

#define TOP_FILTER_MAX 40
#define TOP_SAID_MAX   200

struct top {
    enum top_mode mode;
    enum top_sort sort;
    bool is_reversed;
    char filter[TOP_FILTER_MAX]; /* of client, model, id; "": all */
    char chosen[LIMITER_ID_MAX]; /* the request where the cursor is; by its id,
                                  * for rows move.  "": the first one */
    char said[TOP_SAID_MAX];     /* what came of the last order, one line */
    bool is_bad;                 /* it is no good news */
    const char *url;
    struct trend trend;
    /* Set by the page, for the keys: rows in its order, and the cursor's. */
    uint32_t order[4200];
    uint32_t n_order, cursor, first; /* first: the topmost that is shown */
    uint32_t shown;                  /* rows of requests on the page */
};

/* One page of V. */
void top_page(struct page *p, struct top *t, const struct limiter_view *v);
/* The table of requests, in the rows that are left. */
void top_table(struct page *p, struct top *t, const struct limiter_view *v);
/* Those of V that pass the filter, in the order that was chosen. */
void top_order(struct top *t, const struct limiter_view *v);

#endif
