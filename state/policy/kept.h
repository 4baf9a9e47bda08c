/*
 * Slots that are kept for those that are owed one and cannot take it for the
 * moment: their model is at its ceiling, at its pace, or tried out.
 */
#ifndef SLUICE_KEPT_H
#define SLUICE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct openings;

/* ROW waits for its blocked model: may a slot be kept for it? */
bool kept_may(struct layout *lay, uint32_t row);
/* For how many more of ROW's model would one be kept? */
uint32_t kept_left(struct layout *lay, uint32_t row);
/* The same of MODEL. */
uint32_t kept_left_of(struct layout *lay, uint32_t model);
/* Which of the choices of ROW has an open slot, by O, that is owed to it while
 * its model is blocked there; or NONE. */
uint32_t kept_owed(struct layout *lay, uint32_t row, const struct openings *o);
/* ROW, in line, has one kept; or no longer.  What it costs its client in the
 * queue is queue.c's business. */
void kept_count(struct layout *lay, uint32_t row, int sign);
/* Of SCOPE: the first that has one and may go now, or NONE. */
uint32_t kept_ready(struct layout *lay, uint32_t scope);
/* Of SCOPE: the one of them that may go first, if only time has to pass, or NONE;
 * and *WHEN that is. */
uint32_t kept_next(struct layout *lay, uint32_t scope, int64_t *when);
/* Of SCOPE: LET_GO takes from each the slot that it should not have, because its
 * model will not come to it.  One walk along the line, however many they are.
 * False: there was none. */
bool kept_each_idle(struct layout *lay, uint32_t scope,
                    void (*let_go)(struct layout *lay, uint32_t row));

#endif
