/*
 * A row for a new client or model: whose may it have?
 */
#ifndef SLUICE_NAMING_H
#define SLUICE_NAMING_H

#include <stdint.h>

struct layout;

/* The row of a client, or of a model of UPSTREAM, made if need be; see
 * names_make(). */
uint32_t naming_client(struct layout *lay, const char *name, int64_t now);
uint32_t naming_model(struct layout *lay, uint32_t upstream, const char *name,
                      int64_t now);

/* The same of a name whose HASH is names_hash(). */
uint32_t naming_model_of(struct layout *lay, uint32_t upstream,
                         const char *name, uint64_t hash, int64_t now);

#endif
