/*
 * The settings of one worker: defaults, then the file, then the environment,
 * then live changes.
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include <stddef.h>

#include "fcgi/config/fields.h"

struct json_file;
struct json_object;

/* What a config is built from, besides the defaults; all of it borrowed. */
struct config_from {
    const struct json_file *file; /* of SLUICE_CONFIG; no text, or NULL: none */
    struct json_object *live;     /* live changes (live.h); NULL: none */
    struct json_object *keys;     /* that were made (keys.h); NULL: none */
    char *const *env;             /* "NAME=value", NULL at the end */
};

/*
 * Reads the file that SLUICE_CONFIG names in ENV; *FILE is the caller's and
 * has no text where none is named.  Returns 0, or -1 with ERR as below.
 */
int config_read(struct json_file *file, char *const *env, char *err,
                size_t err_max);
/* Puts it all together; results as of config_load(). */
int config_build(struct config **out, const struct config_from *from, char *err,
                 size_t err_max);

/*
 * Reads defaults, then the file SLUICE_CONFIG names (none: skipped; named but
 * unreadable: an error), then ENV (a NULL-terminated "NAME=value" vector such
 * as environ).  On success *OUT is the caller's, to be given to config_free().
 * On failure returns -1, *OUT is NULL, and ERR (ERR_MAX bytes at most, always
 * terminated) holds one line naming the key or variable, what is wrong and
 * what is allowed.  Never puts a key or token into ERR.
 */
int config_load(struct config **out, char *const *env, char *err,
                size_t err_max);
void config_free(struct config *cfg); /* NULL is fine; wipes the keys */

/*
 * Derives what nobody set (burst follows requests) and checks the settings
 * against each other.  config_load() does it; so must whoever changes one
 * later.  Returns 0, or -1 with ERR as above.
 */
int config_settle(struct config *cfg, char *err, size_t err_max);

#endif
