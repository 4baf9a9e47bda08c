/*
 * An upstream for the tests of libcurl's side: a socket on 127.0.0.1 that a
 * test reads and writes by hand, and one transfer to it.  All in one loop.
 */
#ifndef SLUICE_PEER_H
#define SLUICE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/upstream/upstream.h"
#include "lib/buf.h"

struct peer {
    struct loop *loop;
    struct upstream *up;
    int listener, port;
    int fd;             /* the connection that came last; -1: none */
    unsigned accepted;  /* connections so far */
    struct buf request; /* what came over the last one */
    const char *scheme; /* "http" */
    const char *path;   /* "/path?a=b/../c" */
    const struct config_upstream *via; /* as in transfer_request; NULL */

    struct transfer *t; /* NULL: it has ended */
    bool refuses;       /* may_write() says no */
    bool full;          /* body() does not take */
    bool has_sent;      /* transfer_has_sent(), at may_write() */
    /* One letter for each call: w may_write, s sent, h head, b body, e end. */
    char calls[64];
    void (*on_head)(struct peer *p); /* within that call; NULL: nothing */
    void (*on_body)(struct peer *p);
    struct upstream_head head;
    struct buf body;
    enum transfer_end how;
    char detail[256];
};

struct peer *peer_new(void);
void peer_free(struct peer *p);

/* GET /path, or with a BODY a POST of it; FRESH as in transfer_request. */
void peer_ask(struct peer *p, const char *body, size_t len, bool fresh);
/* Steps, until there is a connection; until TEXT was read from it; until the
 * calls begin with CALLS.  Fail after some seconds. */
void peer_accept(struct peer *p);
void peer_read(struct peer *p, const char *text);
void peer_until(struct peer *p, const char *calls);
/* A few steps: whatever can happen does. */
void peer_rest(struct peer *p);
void peer_write(struct peer *p, const char *text);
void peer_close(struct peer *p);
/* With a RST. */
void peer_reset(struct peer *p);
/* One that was sent a GET, or with a BODY a POST, and has read all of it. */
struct peer *peer_asked(const char *body);
/* Waits for the end of its transfer: HOW it must be, and after which calls.
 * Frees P. */
void peer_ended(struct peer *p, const char *calls, enum transfer_end how);
/* Forgets the calls and the answer so far, for another transfer. */
void peer_forget(struct peer *p);

#endif
