/*
 * Which of those that wait may go at all, and when may the others?
 */
#ifndef SLUICE_ELIGIBLE_H
#define SLUICE_ELIGIBLE_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_flow;

/* Is the row one of a model that is blocked now; or of a client that is at
 * its own limit, too? */
bool eligible_is_model_blocked(struct layout *lay, uint32_t row);
bool eligible_is_blocked(struct layout *lay, uint32_t row);

/* The first row of F's line that may go and whose worker answers, or NONE. */
uint32_t eligible_first(struct layout *lay, const struct lay_flow *f);
/* Where queue_best() is NONE because models or clients are blocked: the row that
 * will be free first, if only time has to pass, or NONE, and *WHEN that is. */
uint32_t eligible_next(struct layout *lay, uint32_t scope, int64_t *when);

/*
 * Counts the rows that may go into `may` of the scope's classes and flows; for
 * position.c, while models are limited.  Looks at every row that waits.
 */
void eligible_measure(struct layout *lay, uint32_t scope);

#endif
