/*
 * One request on its way to an upstream and its answer on the way back, over
 * libcurl.  Knows HTTP, knows nothing of queues or clients.
 */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/upstream/answer_head.h"
#include "lib/loop.h"

struct upstream;
struct transfer;

enum transfer_end {
    END_OK = 0,          /* the whole answer was received */
    END_UNREACHABLE = 1, /* no connection: nothing was sent */
    END_LOST = 2,        /* broken before the head of an answer */
    END_TRUNCATED = 3,   /* broken after it */
    END_GARBAGE = 4,     /* not HTTP, or headers that could split ours */
    END_STALE = 5,       /* a kept connection was dead: send it again */
    END_HELD = 6,        /* may_write() said no: nothing was sent */
};

/* Called from the loop; none is called after transfer_cancel(). */
struct transfer_ops {
    /* There is a connection, and the next thing is the first byte of the
     * request, at once: may it be written?  NULL: it may.  From inside of
     * libcurl: it must neither start nor end a transfer. */
    bool (*may_write)(void *arg);
    /* The last byte of the request is on the wire; before all that follow. */
    void (*sent)(void *arg);
    /* The head of an answer, which may be taken with head_move(). */
    void (*head)(void *arg, struct upstream_head *head);
    /* False: not now; transfer_resume() brings the same bytes again. */
    bool (*body)(void *arg, const char *data, size_t len);
    /* The transfer is over and freed.  DETAIL is for the log. */
    void (*end)(void *arg, enum transfer_end how, const char *detail);
};

struct transfer_request {
    const char *base_url; /* without a slash at the end */
    const char *target;   /* path and query */
    const char *method;
    const char *const *headers; /* "Name: value", NULL at the end; copied */
    const void *body;           /* borrowed until the end; NULL: none */
    size_t body_len;
    int64_t connect_ms;
    bool fresh; /* not on a kept connection */
};

/* NULL when libcurl cannot be had. */
struct upstream *upstream_new(struct loop *loop);
void upstream_free(struct upstream *u);
/* Was a transfer started that libcurl has not begun with? */
bool upstream_has_new(const struct upstream *u);
/* Begins with those now: with the loop's next step would be later. */
void upstream_begin(struct upstream *u);

/* Never NULL; what goes wrong comes through ops->end, never from inside. */
struct transfer *transfer_start(struct upstream *u,
                                const struct transfer_request *req,
                                const struct transfer_ops *ops, void *arg);
void transfer_resume(struct transfer *t);
/* May a byte of the request have reached the upstream? */
bool transfer_has_sent(const struct transfer *t);
/* Is all of the body on the wire?  Then it is not read again. */
bool transfer_is_uploaded(const struct transfer *t);
/* Ends it without another callback. */
void transfer_cancel(struct transfer *t);

#endif
