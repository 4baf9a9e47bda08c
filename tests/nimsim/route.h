/*
 * Which paths the practice upstream knows, and the models it lists.
 */
#ifndef NIMSIM_ROUTE_H
#define NIMSIM_ROUTE_H

#include <stdbool.h>

struct behaviour;
struct text;

enum route {
    ROUTE_NOWHERE = 0,
    ROUTE_CONTROL, /* /sim/... */
    ROUTE_MODELS,  /* free: never meets the limiter */
    ROUTE_CHAT,
    ROUTE_COMPLETIONS,
    ROUTE_RESPONSES,
    ROUTE_EMBEDDINGS,
    ROUTE_RANKING,
    ROUTE_THING,  /* batches, files and the like: something is made */
    ROUTE_STATUS, /* a poll: /v1/status/{id}; logged, not limited */
    ROUTE_RESULT, /* behind a 302: /results/{id}; the same, and no key */
    ROUTE_OTHER,  /* the rest of /v1/: limited, then 404 */
};

enum route route_find(const char *method, const char *path);

/* The list in the way HOW wants it, or the one model named by PATH.  False: no
 * such model. */
bool route_models_body(const char *path, const struct behaviour *how,
                       struct text *out);

#endif
