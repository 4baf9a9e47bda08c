/*
 * Which bytes of a text are secrets?  Pure: no memory, no settings.
 */
#ifndef SLUICE_REDACT_H
#define SLUICE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/config/bounds.h"

/* The upstreams' keys, two tokens, and what the caller presents. */
#define SECRETS_MAX (UPSTREAMS_MAX + 6)

struct secret {
    const char *text; /* borrowed */
    size_t len;
};

struct secrets {
    size_t n;
    struct secret all[SECRETS_MAX];
};

/* Adds TEXT, unless it is NULL or has fewer than LEAST characters. */
void secrets_add(struct secrets *s, const char *text, size_t least);

/*
 * Overwrites what is a secret in the LEN bytes of TEXT with as many '*': a
 * whole one, or a dozen characters and more of its beginning; plain or
 * escaped as in JSON, a URL or HTML.  True: there was one.
 */
bool redact(const struct secrets *s, char *text, size_t len);
/* Is there one? */
bool redact_finds(const struct secrets *s, const char *text, size_t len);

#endif
