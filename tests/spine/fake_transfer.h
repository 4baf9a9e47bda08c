/*
 * An upstream that does nothing by itself: a test says what comes over the
 * wire, and sees what was asked.  Stands for fcgi/upstream/upstream.c.
 */
#ifndef SPINE_FAKE_TRANSFER_H
#define SPINE_FAKE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/upstream/upstream.h"
#include "lib/buf.h"

/* What the newest transfer asked for; texts end with a zero. */
struct fake_ask {
    char url[512], method[16];
    struct buf headers; /* a line each */
    struct buf body;    /* as it was sent; none before wire_sent() */
    bool fresh;
    const struct config_upstream *via;
    bool elsewhere;
};

struct upstream *fake_upstream_new(void);
/* Fails the test if a transfer is under way. */
void fake_upstream_free(struct upstream *u);
/* How many were started in all, and how many are under way. */
uint32_t fake_started(const struct upstream *u);
uint32_t fake_under_way(const struct upstream *u);
const struct fake_ask *fake_ask(const struct upstream *u);

/*
 * All of these are about the newest transfer, which must be under way.  In the
 * order of a real one: connected, sent, head, body, end.
 */

/* There is a connection: it is asked whether it may write, and does.  False:
 * it may not, and has ended. */
bool wire_connect(struct upstream *u);
/* The same, and all of the request is out. */
void wire_send(struct upstream *u);
/* HEADERS: a line each, ended by \n; NULL: none. */
void wire_head(struct upstream *u, int status, const char *headers);
/* False: not taken, and brought again by the next wire_wake(). */
bool wire_body(struct upstream *u, const char *text);
/* Was it asked to go on since the last question? */
bool wire_wakes(struct upstream *u);
void wire_end(struct upstream *u, enum transfer_end how, const char *detail);
/* A whole answer, from the connection to END_OK; less if it is cancelled in
 * between. */
void wire_answer(struct upstream *u, int status, const char *headers,
                 const char *body);

#endif
