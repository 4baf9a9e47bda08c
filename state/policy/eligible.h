/*
 * Which of those that wait may go at all, and when may the others?
 */
#ifndef SLUICE_ELIGIBLE_H
#define SLUICE_ELIGIBLE_H

#include <stdbool.h>
#include <stdint.h>

struct layout;
struct lay_flow;
struct openings;

/* Is the row one of a model that is blocked now; or of a client that is at
 * its own limit, too? */
bool eligible_is_model_blocked(struct layout *lay, uint32_t row);
bool eligible_is_blocked(struct layout *lay, uint32_t row);

/* Does ROW, in line, take its turn when that comes, as eligible_measure() found?
 * Also if its model is blocked for the moment, and a slot would be kept for it.
 * One that has a slot already has had its turn. */
bool eligible_takes_turn(struct layout *lay, uint32_t row);

/* Whom to step over. */
enum eligible_whom {
    PICK_READY = 0, /* who may not go, or was refused as a probe and could leave
                     * that to others */
    PICK_OWED = 1,  /* but not one for which a slot may be kept */
    PICK_ANY = 2,   /* who may not go */
};

struct eligible_pick {
    enum eligible_whom whom;
    struct openings *open; /* of a line that several share: who has no use for
                           * what is open is stepped over, too; NULL of others */
};

/* The first row of F's line that is left and whose worker answers, or NONE. */
uint32_t eligible_first(struct layout *lay, const struct lay_flow *f,
                        struct eligible_pick pick);
/* Where queue_best() is NONE because models or clients are blocked: the row that
 * will be free first, if only time has to pass, or NONE, and *WHEN that is. */
uint32_t eligible_next(struct layout *lay, uint32_t scope, int64_t *when);

/*
 * Counts the rows that may go into `may` of the scope's classes and flows; for
 * position.c, while models are limited.  Looks at every row that waits.
 */
void eligible_measure(struct layout *lay, uint32_t scope);

#endif
