/*
 * What do hosts that share a store know alike?
 *
 * The retreats, benches, ceilings, unpaid upstreams and the pause: each a value
 * of the store, with a version.  Who changes one puts it there, made from the
 * version it had; who comes too late takes the newer one, and puts its own again
 * if that still says more.  All of it needs the lock.
 */
#ifndef SLUICE_MIRROR_H
#define SLUICE_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "state/shared_form.h"

struct layout;
struct limiter;

/* Puts into ASK what we changed since we last were of one mind. */
void mirror_tell(struct limiter *lim, struct shared_ask *ask);
/* Is there anything of that kind? */
bool mirror_has_news(struct layout *lay);
/* Takes over what others changed.  The newest version that we know then. */
uint64_t mirror_hear(struct limiter *lim, const struct shared_ask *ask,
                     const struct shared_answer *answer);

#endif
