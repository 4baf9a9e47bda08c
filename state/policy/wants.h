/*
 * Where a request may go, where that is more than one place.
 *
 * Upstreams that may serve the same model share a line: that of the first of
 * them.  A row that waits there has its choices (lay_want), and the line's scope
 * as its own; from its grant on until it comes back, its scope and its model are
 * those of the choice that it took.  A row of a line that nobody shares has no
 * choices.
 */
#ifndef SLUICE_WANTS_H
#define SLUICE_WANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/layout.h"

struct openings;

/* The line that UPSTREAM shares with others, or NONE. */
uint32_t wants_line(const struct layout *lay, uint32_t upstream);

/* Is SCOPE the line of several? */
static inline bool wants_share(const struct layout *lay, uint32_t scope)
{
    return scope < LAY_UPSTREAMS && lay->rules[scope].line == scope + 1;
}

/* Has ROW choices: is it of such a line? */
static inline bool wants_has(const struct layout *lay, uint32_t row)
{
    return row < LAY_ROWS && (lay->rows[row].flags & ROW_CHOOSES) != 0;
}

struct wants_place {
    uint32_t upstream;
    uint32_t scope; /* whose window it takes a slot of; NONE: it has none */
    uint32_t model; /* there, or NONE */
};

/* The K-th of ROW, which has that many. */
struct wants_place wants_place(struct layout *lay, uint32_t row, uint32_t k);

/* Where a slot is kept for ROW, in whatever line, or would be: its mark, or the
 * only one it has.  NONE in scope: that is open. */
struct wants_place wants_home(struct layout *lay, uint32_t row);

/* ROW, a new one that is to go through LINE, gets the choices of REQ.  Its flag
 * is to be set, and they are to be counted, by whoever makes it. */
void wants_make(struct layout *lay, uint32_t row, uint32_t line,
                const struct limiter_request *req, int64_t now);
/* ROW, of a line that is shared from now on, has its place as its only choice;
 * or it has none any more. */
void wants_make_single(struct layout *lay, uint32_t row);
void wants_drop(struct layout *lay, uint32_t row);
/* The line where ROW is at home; NONE: its upstream shares none. */
uint32_t wants_home_line(struct layout *lay, uint32_t row);
/* Their names are in use, or (SIGN -1) no longer. */
void wants_count(struct layout *lay, uint32_t row, int sign);
/* After a crash: damaged ones end the file, a row in line is at home. */
void wants_rebuild(struct layout *lay, uint32_t row);

/* It takes, or has one kept of, its K-th; or neither any more. */
void wants_mark(struct layout *lay, uint32_t row, uint32_t k);
void wants_unmark(struct layout *lay, uint32_t row);

/* The place that its mark has among its request's choices; and which of them has
 * that place: 0, the first, where none is known. */
uint32_t wants_number(struct layout *lay, uint32_t row);
uint32_t wants_numbered(struct layout *lay, uint32_t row, uint32_t number);

/* ---- may it go? ----------------------------------------------------------- */

/* Which of its choices ROW would take of what is OPEN; NONE: none of them, or
 * it rather waits.  ANY: also where it was refused as a probe and others could
 * be the next. */
uint32_t wants_take(struct layout *lay, uint32_t row, struct openings *open,
                    bool any);
/* Has P a slot, where O says what is open?  Where each model has a window, that
 * has to be asked. */
bool wants_is_open(struct layout *lay, const struct openings *o,
                   const struct wants_place *p);
/* Is its model there blocked? */
bool wants_is_blocked(struct layout *lay, const struct wants_place *p);
/* Are its models blocked, wherever it might go? */
bool wants_are_blocked(struct layout *lay, uint32_t row);
/* The earliest time one of them is not, as far as models decide; NEVER: an event
 * has to come first. */
int64_t wants_free_at(struct layout *lay, uint32_t row);

#endif
