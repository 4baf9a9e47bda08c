/*
 * May requests of this model go at all, and how many at once?
 */
#ifndef SLUICE_TRAITS_H
#define SLUICE_TRAITS_H

#include <stdbool.h>
#include <stdint.h>

#include "limiter.h"

struct layout;
struct lay_trait;
struct lay_debt;

/* What is known of MODEL, a row of the model table; looked at. */
struct lay_trait *traits_at(struct layout *lay, uint32_t model);
/* The 402 hold of an upstream; looked at. */
struct lay_debt *traits_debt(struct layout *lay, uint32_t upstream);

/* Must requests of MODEL (or NONE) wait, or be refused, now? */
bool traits_block(struct layout *lay, uint32_t model, int64_t now);
/* Is everybody that waits in SCOPE blocked?  Spares queue.c its search. */
bool traits_block_all(struct layout *lay, uint32_t scope, int64_t now);
/* When MODEL stops to be blocked, as far as time alone decides; else NEVER. */
int64_t traits_free_at(struct layout *lay, uint32_t model, int64_t now);

/*
 * Must a request to UPSTREAM for the model called NAME, or MODEL if that is
 * not NONE, be refused now?  *UNTIL is when that ends; *STATUS and REASON (of
 * LIMITER_REASON_MAX) are what to say.
 */
enum limiter_refusal traits_refuse(struct layout *lay, uint32_t upstream,
                                   uint32_t model, const char *name,
                                   int64_t now, struct ticket_news *out);

/* May UPSTREAM be asked now?  If not, *WHEN is when that ends.  After a 402
 * hold exactly one request may try. */
bool traits_paid(struct layout *lay, uint32_t upstream, int64_t now,
                 int64_t *when);
/* ROW goes: it is the try, if there is to be one. */
void traits_granted(struct layout *lay, uint32_t row, int64_t now);

/* A model's name has a new owner. */
void traits_forget(struct layout *lay, uint32_t model);
/* Values that are never written are dropped, `limited` is counted anew. */
void traits_rebuild(struct layout *lay, int64_t now);

#endif
