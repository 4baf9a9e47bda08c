/*
 * Clients and models by name: bounded tables.  naming.h makes rows in them.
 */
#ifndef SLUICE_NAMES_H
#define SLUICE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct layout;

/* Of the text of NAME: who looks up one name in several places makes it once. */
uint64_t names_hash(const char *name);

/* The row of a client, or of a model of UPSTREAM, that is known, or NONE. */
uint32_t names_find_client(struct layout *lay, const char *name);
uint32_t names_find_model(struct layout *lay, uint32_t upstream,
                          const char *name);

enum names_table { NAMES_CLIENTS = 0, NAMES_MODELS = 1 };

/* What a row means to others. */
struct names_makers {
    bool (*is_needed)(struct layout *lay, uint32_t i, int64_t now);
    void (*forget)(struct layout *lay, uint32_t i); /* it has a new owner */
};

/* The row of NAME (of a model: of upstream OWNER), whose HASH is names_hash(), made if need be.  The least
 * recently used one that is not needed makes room.  NONE: all are. */
uint32_t names_make(struct layout *lay, enum names_table which, uint32_t owner,
                    const char *name, uint64_t hash,
                    const struct names_makers *makers, int64_t now);

/* Hash chains again, from the rows alone; references become 0. */
void names_rebuild(struct layout *lay);

#endif
