/*
 * The answer on its way to the client: when its head goes out, which bytes
 * are ours, and what a client is told that must not believe it was complete.
 */
#ifndef SLUICE_RELAY_H
#define SLUICE_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "sse.h"
#include "usage.h"

struct exchange;
struct upstream_head;

/* An error, ours or the upstream's, on its way to the client. */
struct relay_error {
    int status;
    const struct buf *json; /* one line */
    int64_t retry_ms;       /* -1: do not say */
    int retry;              /* x-should-retry: 1 true, 0 false, -1 not said */
    const struct upstream_head *head; /* of its answer; NULL: it is ours */
};

enum relay_mode {
    RELAY_NOTHING = 0, /* no answer from the upstream yet */
    RELAY_HOLD = 1,    /* a buffered one, collected to be checked whole */
    RELAY_PASS = 2,    /* its bytes go out as they come */
    RELAY_STREAM = 3,  /* the same, and they are an event stream */
    RELAY_EXPLAIN = 4, /* not what was promised by our head: collected, and
                          told as an error event */
};

struct relay {
    enum relay_mode mode;
    bool head_sent;  /* ours or the upstream's */
    bool committed;  /* ours: sent before the upstream answered */
    bool as_events;  /* after a commit: an event stream was promised */
    int status;      /* the upstream's */
    int64_t length;  /* of its body, as its head says; -1: it does not */
    bool unframed;   /* only the end of the connection ends it */
    struct buf head; /* CGI head of a held answer */
    struct buf held; /* with RELAY_STREAM: an event not yet complete */
    bool torn;       /* a part of one was sent, because it is too long */
    struct sse sse;
    struct usage usage;
    char nvcf_reqid[64];
};

void relay_init(struct relay *r);
void relay_fini(struct relay *r);

/* Sends a head of ours: 200, before anything is known. */
void relay_commit(struct exchange *x);
/* A sign of life, where the answer allows one.  TEXT is the comment. */
void relay_beat(struct exchange *x, const char *text);

void relay_head(struct exchange *x, const struct upstream_head *h);
/* False: the client is too slow, later. */
bool relay_body(struct exchange *x, const char *data, size_t len);
/* It is an event stream that has said its end: nothing is missing, however
 * its connection ends. */
bool relay_has_ended(const struct exchange *x);
/* The upstream's answer is whole.  False: it only looked so (a stream without
 * its end, or not what our head promised); relay_error() is to follow, unless the client
 * was told already. */
bool relay_finish(struct exchange *x);
/* An error as status, event or JSON, whatever still fits.  False: no way is
 * left, the answer must be broken off. */
bool relay_error(struct exchange *x, const struct relay_error *e);

#endif
