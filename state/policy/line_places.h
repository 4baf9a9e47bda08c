/*
 * Where those of a shared line may go, in a forecast: a window each.
 */
#ifndef SLUICE_LINE_PLACES_H
#define SLUICE_LINE_PLACES_H

#include <stdint.h>

#include "state/policy/admit_rules.h"
#include "state/policy/line_order.h"

/* As many windows as are told apart: those of models, where an upstream has
 * them, come on top of its members.  What is beyond goes unforetold. */
#define LINE_PLACES 32

struct line_place {
    uint32_t scope;
    struct forecast forecast;
    int64_t next_ns; /* of one that takes nothing of tokens; 0: not looked at */
    int64_t before_ns; /* none of those that wait goes before that */
};

/* The caller's memory, too large for a stack; what is not needed of it is not
 * touched. */
struct line_eta {
    uint32_t line;
    int64_t now; /* as of then */
    uint32_t n;
    struct line_place places[LINE_PLACES];
    uint32_t model_nth[LAY_MODELS]; /* so many have gone to it */
    uint64_t id[LAY_ROWS];          /* by row: which ticket's it is */
    int64_t eta[LAY_ROWS];          /* NEVER: nobody can say; */
#define LINE_OPEN 0                 /* not known yet */
    uint32_t position[LAY_ROWS];    /* so many go before it */
    struct line_order order;
    int64_t times[LINE_PLACES][LAY_ROWS];
    struct take takes[LINE_PLACES][LAY_ROWS]; /* where tokens are limited */
};

/* E is empty, for LINE as of NOW. */
void line_places_begin(struct line_eta *e, struct layout *lay, uint32_t line,
                       int64_t now);
/* Of SCOPE; NULL: more windows than are told apart. */
struct line_place *line_places_of(struct line_eta *e, struct layout *lay,
                                  uint32_t scope);
/* When ROW would go there as the next; NONE: one of which nothing is known.
 * NEVER: nobody can say. */
int64_t line_places_slot(struct layout *lay, struct line_place *p,
                         uint32_t row);
/* The same, and it does. */
int64_t line_places_go(struct line_eta *e, struct layout *lay,
                       struct line_place *p, uint32_t row);
/* ROW goes by choice K; when. */
int64_t line_places_take(struct line_eta *e, struct layout *lay, uint32_t row,
                         uint32_t k);
/* As far as MODEL there decides, or NONE. */
int64_t line_places_of_model(struct line_eta *e, struct layout *lay,
                             uint32_t model);
/* It has its slot, and waits for its model. */
int64_t line_places_of_kept(struct line_eta *e, struct layout *lay,
                            uint32_t row);

#endif
