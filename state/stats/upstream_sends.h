/*
 * How many requests went to each upstream?
 */
#ifndef SLUICE_UPSTREAM_SENDS_H
#define SLUICE_UPSTREAM_SENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"

struct lay_tally;

/* One went to the upstream of that row, called NAME (of 32 bytes with its zero),
 * at NOW (CLOCK_BOOTTIME).  Nothing of a row that is none.  True: the
 * last one to that row had this name, too. */
bool upstream_sends_count(struct lay_tally *t, uint32_t upstream,
                          const char *name, int64_t now);
/* And what it answered; false: another name has the row by now. */
bool upstream_sends_answered(struct lay_tally *t, uint32_t upstream,
                             const char *name, const struct upstream_answer *a);
/* All zero: none of that name. */
struct upstream_sends upstream_sends_tell(const struct lay_tally *t,
                                          uint32_t upstream, const char *name,
                                          int64_t now);
/* After a crash: what cannot be is made sound. */
void upstream_sends_rebuild(struct lay_tally *t);

#endif
