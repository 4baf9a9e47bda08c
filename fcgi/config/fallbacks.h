/*
 * Models in place of the one that was asked for.
 */
#ifndef SLUICE_FALLBACKS_H
#define SLUICE_FALLBACKS_H

#include <stddef.h>

#include "fcgi/config/bounds.h"

struct buf;
struct complaint;
struct config;
struct json_object;

/* One entry of the settings is "ASKED=MODEL|MODEL".  What is wrong with TEXT,
 * which is to be one; NULL: nothing. */
const char *fallbacks_fault(const char *text);
/* Those of MAP, {"ASKED": ["MODEL", ...]}, without comments, into TEXTS, which
 * has room for SETTING_LIST_MAX; the *N are the caller's to free, whatever
 * comes of it.  What is wrong, or NULL. */
const char *fallbacks_texts(char **texts, size_t *n, struct json_object *map);
/* The N entries of LIST as that map. */
void fallbacks_put(struct buf *b, char *const *list, size_t n);
/* Is no model asked for in two of them?  0, or -1 and ERR. */
int fallbacks_settle(const struct config *cfg, struct complaint *err);

/* The models in place of MODEL, in their order, copied to OUT; how many. */
size_t fallbacks_of(const struct config *cfg, const char *model,
                    char out[FALLBACKS_MAX][MODEL_BYTES]);

#endif
