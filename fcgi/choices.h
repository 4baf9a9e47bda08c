/*
 * To which upstreams may a request go, and by which names of its model?
 */
#ifndef SLUICE_CHOICES_H
#define SLUICE_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "state/limiter.h"

struct config;
struct listed;

#define CHOICES_MAX 16

/* What is asked; all of it borrowed. */
struct choices_query {
    const struct config *cfg;
    const struct listed *listed; /* NULL: no list is known */
    const char *model;           /* as the client wrote it; "": none */
    const char *served_by;       /* as the state knows it; "": no model's
                                  * inference: one upstream, always the same */
    const char *only; /* the API whose words alone can say it; NULL: any */
    bool is_bound;    /* it names what one upstream keeps: the same */
};

/* Their texts are in themselves, so that they may outlive the query; not to be
 * copied as a struct. */
struct choices {
    struct limiter_choice list[CHOICES_MAX]; /* lower ranks first */
    uint32_t n;                              /* >= 1 */
    /* By which name of each the body is to ask; NULL: as it does. */
    const char *names[CHOICES_MAX];
    char asked[MODEL_MAX];
    char stand_ins[FALLBACKS_MAX][MODEL_BYTES];
    char short_names[FALLBACKS_MAX][MODEL_MAX];
};

void choices_of(struct choices *out, const struct choices_query *q);

/* Those of C that are the same server as UPSTREAM, under other keys or for other
 * models: bit K for list[K].  0: all are. */
uint32_t choices_alike(const struct choices *c, const struct config *cfg,
                       uint32_t upstream);
/* How many servers there are among them. */
uint32_t choices_servers(const struct choices *c, const struct config *cfg);

#endif
