/*
 * What is a model called that clients know by another name?
 */
#ifndef SLUICE_ALIASES_H
#define SLUICE_ALIASES_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/config/bounds.h"

struct buf;
struct complaint;
struct config;
struct json_object;

/* What is wrong with the entry TEXT, "PATTERN=NAME"; NULL: nothing. */
const char *aliases_fault(const char *text);

/* The entries of MAP, {"PATTERN":"NAME"}, into TEXTS, of SETTING_LIST_MAX; the
 * caller frees all *N of them in any case.  What is wrong, or NULL. */
const char *aliases_texts(char **texts, size_t *n, struct json_object *map);
/* The N entries of LIST as that map. */
void aliases_put(struct buf *b, char *const *list, size_t n);

/* Is no pattern there twice?  0, or -1 and ERR. */
int aliases_settle(const struct config *cfg, struct complaint *err);

/* The name by the first entry whose pattern MODEL fits, into OUT.  False: none
 * fits, or it is called so already. */
bool aliases_of(const struct config *cfg, const char *model,
                char out[MODEL_BYTES]);

#endif
