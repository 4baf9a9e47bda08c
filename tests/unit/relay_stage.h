/*
 * The relay alone, for the tests of it.
 */
#ifndef UNIT_RELAY_STAGE_H
#define UNIT_RELAY_STAGE_H

#include "fcgi/config/config.h"
#include "fcgi/exchange.h"

/* An exchange without events, a limiter or a socket. */
struct stage {
    struct sluice s;
    struct config cfg; /* nothing is secret */
    struct exchange x;
    struct upstream_head head;
    struct buf said; /* to the client so far */
};

/* A POST to PATH, and the head of a 200 with that TYPE. */
void stage_open(struct stage *st, const char *path, const char *type);
/* All that was said, with a zero; its head is not looked at. */
const char *stage_hear(struct stage *st);
void stage_close(struct stage *st);

#endif
