/*
 * Clients and models by name: bounded tables that make room by themselves.
 */
#ifndef SLUICE_NAMES_H
#define SLUICE_NAMES_H

#include <stdint.h>

struct layout;

/*
 * The row of a client (or of a model of UPSTREAM), made if need be.  The
 * least recently used row that nothing refers to makes room.  NONE: all are
 * in use.
 */
uint32_t names_client(struct layout *lay, const char *name, int64_t now);
/* The row of a client, or of a model, that is known, or NONE. */
uint32_t names_find_client(struct layout *lay, const char *name);
uint32_t names_find_model(struct layout *lay, uint32_t upstream,
                          const char *name);
uint32_t names_model(struct layout *lay, uint32_t upstream, const char *name,
                     int64_t now);

/* Hash chains again, from the rows alone; references become 0. */
void names_rebuild(struct layout *lay);

#endif
