/*
 * A ticket's row through its states, and every count that hangs on it.
 *
 *            join            offer          accept          sent
 *   FREE ---------> WAITING --------> OFFERED ------> OPEN -------> SENT
 *                      ^ \______________|_______________^             |
 *                      |      grant     | revoke        |             |
 *                      +<---------------+               |             |
 *                      +<------------- again -----------+-------------+
 *                      |                                |             |
 *                      +<-- again -- ASIDE <-- aside ---+-------------+
 *   any state -- leave --> FREE
 */
#ifndef SLUICE_ROW_H
#define SLUICE_ROW_H

#include "state/policy/vocabulary.h"

struct lay_row;
struct layout;

struct row_join {
    const struct limiter_request *req; /* strings within their bounds */
    uint32_t worker;
    int64_t arrival;     /* 0: now; else the place it had in a lost file */
    uint32_t weight;     /* what it takes of the limit; 0: 1, a request */
    bool to_head;        /* to the head of its client's line */
    uint64_t generation; /* of the settings that its request is by */
    int64_t said_ns;     /* when it came; 0: now */
    int64_t aside_ns;    /* for how long; of one that is adopted aside */
    uint32_t choice;     /* under way by this one; of one that is adopted */
};

/* Into the queue, within its bounds.  On REFUSED_NOT *OUT is the row. */
enum limiter_refusal row_join(struct layout *lay, const struct row_join *j,
                              int64_t now, uint32_t *out);
void row_offer(struct layout *lay, uint32_t row, int64_t now);
void row_revoke(struct layout *lay, uint32_t row, int64_t now);
/* From waiting or offered: its send may be on the wire at any moment. */
void row_grant(struct layout *lay, uint32_t row, int64_t now);
/* Written at AT, between its grant and now.  False: the log has no room; the
 * row stays open, which counts as well. */
bool row_sent(struct layout *lay, uint32_t row, int64_t at);
/* Its slot is free at once, and it is in no line for about FOR_NS: until
 * row_again().  One that is still open did not reach the wire. */
void row_aside(struct layout *lay, uint32_t row, int64_t for_ns, int64_t now);
/* For how long, of an aside one; since its state changed. */
int64_t row_aside_ns(const struct lay_row *r);
/* Back into line; one that is still open did not reach the wire. */
void row_again(struct layout *lay, uint32_t row, int64_t now);
/* Into SCOPE, as one for MODEL (or NONE), in whatever state; an offer is taken
 * back.  What was charged for it stays with the old scope. */
void row_move(struct layout *lay, uint32_t row, uint32_t scope, uint32_t model,
              int64_t now);
void row_body_gone(struct layout *lay, uint32_t row);
/* The end; one that is still open did not reach the wire. */
void row_leave(struct layout *lay, uint32_t row);

/* A row that waited or was in flight in a lost file, put into this one; what
 * was within the bounds there is not measured again. */
enum limiter_refusal row_adopt(struct layout *lay, const struct row_join *j,
                               uint32_t state, int64_t now, uint32_t *out);

/* The scope a request falls into, or NONE: no room for its model.  *MODEL is
 * its row of the model table, or NONE. */
uint32_t row_scope(struct layout *lay, const struct limiter_request *req,
                   int64_t now, uint32_t *model);

#endif
