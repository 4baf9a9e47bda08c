/*
 * Upstreams of one kind with a key each, which are one in the settings.
 */
#ifndef SLUICE_POOL_H
#define SLUICE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct complaint;
struct config;

/* Makes as many upstreams of each of CFG's as its api_key_files are, with their
 * keys, one behind the other: "nim", "nim-2", "nim-3".  Once, before anybody
 * counts them.  0, or -1 and ERR, which never holds a key. */
int pool_spread(struct config *cfg, struct complaint *err);
/* Is upstream I of CFG another one's copy, which the settings do not show? */
bool pool_is_copy(const struct config *cfg, size_t i);

#endif
