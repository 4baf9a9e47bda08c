/*
 * What a row takes of limits in tokens: guessed at first, true in the end.
 */
#ifndef SLUICE_TOKENS_H
#define SLUICE_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"
#include "state/policy/vocabulary.h"

struct lay_row;
struct layout;

/* What ROW would take of the limits of SCOPE, if it came there. */
struct take tokens_at(struct layout *lay, uint32_t row, uint32_t scope);
/* What R takes of its scope's limits, and of its client's own. */
struct take tokens_of_scope(struct layout *lay, const struct lay_row *r);
struct take tokens_of_client(struct layout *lay, const struct lay_row *r);

/* ROW, which is being made for REQ and has its scope and model, takes so much, by
 * what was learned of its model. */
void tokens_estimate(struct layout *lay, uint32_t row,
                     const struct limiter_request *req);
/* ROW, which is not counted now, came into another scope. */
void tokens_of_other_scope(struct layout *lay, uint32_t row);

/* Must a request for SCOPE and MODEL (or NONE) be refused because it surely takes
 * more than a whole limit, its upstream's or its client's own?  Then *OUT has both
 * numbers. */
bool tokens_are_too_many(struct layout *lay, const struct limiter_request *req,
                         uint32_t scope, uint32_t model,
                         struct ticket_news *out);

/* The answer to ROW, which is sent, took U: in the logs, where it still is, and
 * for the next estimates.  PROMPT_BYTES are its request's. */
uint32_t tokens_settle(struct layout *lay, uint32_t row, uint64_t prompt_bytes,
                       const struct limiter_usage *u);
/* The same of a prompt whose texts were GUESSED to have so many; 0: it is not
 * known. */
void tokens_compare(struct layout *lay, uint32_t row, uint32_t guessed,
                    const struct limiter_usage *u);
/* What was learned so of MODEL, or NONE: token_estimate_ratio_m(). */
uint32_t tokens_ratio_m(struct layout *lay, uint32_t model);

/* SCOPE's upstream said at NOW that so many are LEFT of a window.  If that are
 * fewer than we know of, the others count for a window, too. */
void tokens_left(struct layout *lay, uint32_t scope, uint64_t left,
                 int64_t now);

/* After a crash: ROW is in its scope's log, as its newest. */
void tokens_found_sent(struct layout *lay, uint32_t row);
/* And what rows say of tokens is sound. */
void tokens_rebuild(struct layout *lay);

#endif
