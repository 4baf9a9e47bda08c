/*
 * Which row of a table answers a method and a path?
 */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/step.h"
#include "fcgi/tongue.h"
#include "fcgi/upstream/sse.h"

struct exchange;

/* Who may call it; auth.c. */
enum route_access {
    ACCESS_ALL = 0,    /* health: nothing to spend, nothing to see */
    ACCESS_CLIENT = 1, /* a client key, or anonymous */
    ACCESS_READ = 2,
    ACCESS_ADMIN = 3,     /* the admin token, from wherever it is asked */
    ACCESS_PREFLIGHT = 4, /* a listed origin, or our own: cors.c */
    ACCESS_KEY = 5,       /* a client's own key, from wherever it comes */
};

struct route {
    const char *path;    /* exact, or with its last character '*' a prefix */
    const char *methods; /* as in Allow: "GET, HEAD" */
    const char *name;    /* in logs and metrics: below LIMITER_ROUTE_MAX */
    enum route_access access;
    bool proxied;       /* costs a slot and goes upstream */
    bool needs_json;    /* a JSON object with a model */
    bool is_inference;  /* a model answers it: what it says of the model counts
                         * for all, and asking twice only costs */
    enum sse_ends ends; /* what its streams end with */
    /* For those that are not proxied: what follows. */
    enum step (*answer)(struct exchange *x);
    /* The row in place of this one where the upstream does not speak the API of
     * its client (as_chat.c); NULL: there is none. */
    const struct route *twin;
    /* It is such a row: its client is told in these words. */
    const struct tongue *tongue;
};

/* What the streams of R's clients end with. */
static inline enum sse_ends route_tells(const struct route *r)
{
    return r->tongue != NULL ? r->tongue->ends : r->ends;
}

/* All that is answered; pages/routes.c. */
struct routes {
    const struct route *rows;
    size_t n;
    const struct route *preflight; /* of what browsers ask; cors.c */
};

/* The row of METHOD and PATH.  NULL: *ALLOW is what the path takes instead, or
 * NULL where nothing is there. */
const struct route *route_find(const struct routes *table, const char *method,
                               const char *path, const char **allow);

#endif
