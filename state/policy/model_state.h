/*
 * May requests of this model go at all, and how many at once?
 */
#ifndef SLUICE_MODEL_STATE_H
#define SLUICE_MODEL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;
struct lay_model_state;
struct lay_debt;

/* What is known of MODEL, a row of the model table; looked at. */
struct lay_model_state *model_state_at(struct layout *lay, uint32_t model);
/* The 402 hold of an upstream; looked at. */
struct lay_debt *model_state_debt(struct layout *lay, uint32_t upstream);

/*
 * Must a request to UPSTREAM for the model called NAME, or MODEL if that is
 * not NONE, be refused now?  *UNTIL is when that ends; *STATUS and REASON (of
 * LIMITER_REASON_MAX) are what to say.
 */
enum limiter_refusal model_state_refuse(struct layout *lay, uint32_t upstream,
                                        uint32_t model, const char *name,
                                        int64_t now, struct ticket_news *out);

/* Is UPSTREAM left alone, or being tried: nobody pays for it, our key is refused, or
 * nobody is there? */
bool model_state_is_held(struct layout *lay, uint32_t upstream);
/* May UPSTREAM be asked now?  If not, *WHEN is when that ends.  After a 402
 * hold exactly one request may try. */
bool model_state_paid(struct layout *lay, uint32_t upstream, int64_t now,
                      int64_t *when);
/* ROW goes: it is the try, if there is to be one. */
void model_state_granted(struct layout *lay, uint32_t row, int64_t now);
/* Is it? */
bool model_state_tries_with(struct layout *lay, uint32_t row);

/* ROW, which was sent, is over: so long are its model's in flight. */
void model_state_served(struct layout *lay, uint32_t row);

/* A model's name has a new owner. */
void model_state_forget(struct layout *lay, uint32_t model);
/* Values that are never written are dropped, `limited` is counted anew. */
void model_state_rebuild(struct layout *lay, int64_t now);

#endif
