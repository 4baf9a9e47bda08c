/*
 * The header fields of a request.
 */
#ifndef SLUICE_ASKED_HEADERS_H
#define SLUICE_ASKED_HEADERS_H

#include <stddef.h>

#include "lib/buf.h"

/* Name and value by turns, each with its zero; names in lower case. */
struct asked_headers {
    struct buf text;
};

/* Takes those of ENVP ("HTTP_NAME=value", NULL at the end) that hold no secret
 * (header_rules.c) and are not empty.  params.c has bounded them. */
void asked_headers_read(struct asked_headers *h, char *const *envp);
void asked_headers_free(struct asked_headers *h);

/* The value of NAME; NULL: it was not there, or is secret. */
const char *asked_header(const struct asked_headers *h, const char *name);
/* The field behind AT, NULL for the first: its name, and *VALUE.  NULL: no
 * more. */
const char *asked_header_next(const struct asked_headers *h, const char *at,
                              const char **value);

#endif
