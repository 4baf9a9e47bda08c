/*
 * What a transfer is asked for, and what it tells; upstream.c makes it.
 */
#ifndef SLUICE_TRANSFER_H
#define SLUICE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_upstream;
struct upstream_head;

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
    const char *url;
    const char *method;
    const char *const *headers; /* "Name: value", NULL at the end; copied */
    const void *body;           /* borrowed until the end; NULL: none */
    size_t body_len;
    int64_t connect_ms;
    bool fresh;       /* not on a kept connection */
    bool is_streamed; /* small pieces are to be expected, and many like it */
    /* Whose proxy and certificates are used; NULL: none.  Borrowed for the
     * call. */
    const struct config_upstream *via;
    bool elsewhere; /* not to that upstream: who we are is not told */
};

#endif
