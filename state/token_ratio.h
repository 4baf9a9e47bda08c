/*
 * How many tokens does a model make of a text, beside what is guessed?
 */
#ifndef SLUICE_STATE_TOKEN_RATIO_H
#define SLUICE_STATE_TOKEN_RATIO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

/* For each thousand that limiter_request.prompt_guess had, as all workers have
 * learned from the answers of MODEL, at whichever upstream most is known of it; 0:
 * nothing is known.  False: the state is busy, ask again. */
MUST_USE bool limiter_token_ratio(struct limiter *lim, const char *model,
                                  uint32_t *ratio_m);

#endif
