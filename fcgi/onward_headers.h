/*
 * The header fields that the upstream sees.
 */
#ifndef SLUICE_ONWARD_HEADERS_H
#define SLUICE_ONWARD_HEADERS_H

#include <stddef.h>

#include "fcgi/config/settings.h"
#include "lib/buf.h"

struct config_upstream;
struct exchange;

/* Those of a request, those set, and ours. */
#define ONWARD_MAX (PARAMS_MAX + SETTING_LIST_MAX + 8)

struct onward_headers {
    struct buf text; /* all lines, each with its zero */
    size_t at[ONWARD_MAX];
    size_t n;
    const char *lines[ONWARD_MAX + 1];
};

/* For the next attempt of X: its lines, NULL at the end, which are good until
 * they are forgotten. */
const char *const *onward_headers_make(struct onward_headers *h,
                                       const struct exchange *x);
/* The same for a question of ours to U, which has the type ACCEPT. */
const char *const *onward_headers_ask(struct onward_headers *h,
                                      const struct config_upstream *u,
                                      const char *accept);
/* Wipes them: a key is among them. */
void onward_headers_forget(struct onward_headers *h);

#endif
