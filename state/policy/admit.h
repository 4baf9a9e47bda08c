/*
 * When does the next send of a scope become legal?
 *
 * By what this file knows: its log, its rules, its retreat.  Whether a scope
 * may send at all is asked through slot_source.h.
 */
#ifndef SLUICE_ADMIT_H
#define SLUICE_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"
#include "state/policy/vocabulary.h"

struct layout;

/* Drops what no longer counts; before any question about the scope. */
void admit_refresh(struct layout *lay, uint32_t scope, int64_t now);

/*
 * May one that takes WHAT go now?  If not, *WHEN is the earliest time it could be, or
 * NEVER while only an event (a write, an end) can open a slot.
 */
bool admit_now(struct layout *lay, uint32_t scope, struct take what,
               int64_t now, int64_t *when);

/* Before this nothing is granted: what was sent until then is not known. */
int64_t admit_known_from(struct layout *lay, uint32_t scope);

/* The limit in force: fewer than the rules' while the scope recovers. */
uint32_t admit_limit(struct layout *lay, uint32_t scope);

/*
 * When the K-th send from now (from 0) becomes legal, if each weighs 1, takes as
 * many tokens as those that wait do on average, goes as early as it may, and open
 * ones are written now.  NEVER: no time can be
 * told, because the limit on requests in flight decides, or an operator.
 */
int64_t admit_eta(struct layout *lay, uint32_t scope, uint32_t k, int64_t now);
/* The same for the first N, at most LAY_ROWS, into OUT; the K-th of them takes
 * TAKES[K].  NULL: each as above. */
void admit_etas(struct layout *lay, uint32_t scope, const struct take *takes,
                uint32_t n, int64_t now, int64_t *out);

/* Has admit_eta() to go through all before the K-th?  Then who asks for many
 * asks for all of them at once. */
bool admit_is_stepwise(struct layout *lay, uint32_t scope);

/* What counts now weighs, open ones included; at most the limit. */
uint32_t admit_used(struct layout *lay, uint32_t scope, int64_t now);
/* The same, of what admit_refresh() leaves, which is done first. */
uint32_t admit_used_now(struct layout *lay, uint32_t scope, int64_t now);
/* The same of the limit in tokens: what is in the log, what open ones take by
 * their estimates, and the limit, 0: there is none. */
struct admit_tokens {
    uint64_t used, reserved;
    uint32_t limit;
};
void admit_tokens(struct layout *lay, uint32_t scope, int64_t now,
                  struct admit_tokens *out);
/* When UP_TO tokens more have room, as far as that limit alone decides, if all go
 * as early as they may: rather too early than too late. */
int64_t admit_tokens_eta(struct layout *lay, uint32_t scope, uint64_t up_to,
                         int64_t now);
/* Thousandths of tokens (a bucket's, which are sends) that nobody has a claim on. */
int64_t admit_tokens_milli(struct layout *lay, uint32_t scope, int64_t now);

#endif
