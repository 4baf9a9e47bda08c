/*
 * Which scopes have their slots from a store of several machines, and who waits
 * for them?
 */
#ifndef SLUICE_LENT_SCOPES_H
#define SLUICE_LENT_SCOPES_H

#include <stdbool.h>
#include <stdint.h>

struct layout;

/* The scope in whose line those wait that may go to SCOPE. */
uint32_t lent_line(const struct layout *lay, uint32_t scope);
/* How many they are. */
uint32_t lent_waiting(struct layout *lay, uint32_t scope);
/* Is there a window of SCOPE, and is it the store's? */
bool lent_has_window(const struct layout *lay, uint32_t scope);
/* When a request of SCOPE goes that has PLACE before it here, by what the store said
 * of the others, who take turns with ours; NOW: nothing is known, or no store has
 * a say; NEVER: it is lost. */
int64_t lent_eta(struct layout *lay, uint32_t scope, uint32_t place,
                 int64_t now);
/* Was something sent in SCOPE within the last seconds? */
bool lent_is_recent(struct layout *lay, uint32_t scope, int64_t now);

#endif
