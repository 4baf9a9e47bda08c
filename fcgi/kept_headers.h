/*
 * Headers of a request of which one may turn out to be somebody's name.
 */
#ifndef SLUICE_KEPT_HEADERS_H
#define SLUICE_KEPT_HEADERS_H

#include "lib/buf.h"

/* "NAME=value" and a zero, each. */
struct kept_headers {
    struct buf text;
};

/* Copies those in ENVP ("HTTP_NAME=value", NULL at the end) that are short and
 * no credentials. */
void kept_headers_take(struct kept_headers *k, char *const *envp);
/* The value of HEADER, written as in HTTP; NULL: it is not there, or empty. */
const char *kept_headers_find(const struct kept_headers *k, const char *header);
void kept_headers_wipe(struct kept_headers *k);

#endif
