/*
 * The requests that ended last.
 */
#ifndef SLUICE_RECENT_H
#define SLUICE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"

struct lay_tally;

/* All of these need the lock. */

void recent_add(struct lay_tally *t, const struct limiter_note *note);
/* Copies the NTH that ended last, from 0.  False: there is none. */
bool recent_tell(const struct lay_tally *t, uint32_t nth,
                 struct view_recent *out);
/* After a crash: what cannot be is made sound. */
void recent_rebuild(struct lay_tally *t);

#endif
