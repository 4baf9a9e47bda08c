/*
 * The client's side of an exchange: a FastCGI connection that was taken over
 * from libfcgi.  Bytes out, as records, without blocking; and the news that
 * the client is gone.
 */
#ifndef SLUICE_CLIENT_H
#define SLUICE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/loop.h"

struct client_ops {
    void (*gone)(void *arg);  /* hung up, or cannot be written to */
    void (*taken)(void *arg); /* it took bytes that had to wait */
};

struct client {
    struct loop *loop;
    struct loop_watch watch;
    int fd; /* -1: closed */
    uint16_t request_id;
    bool gone, ended, above; /* above: OUT_HIGH was reached */
    struct buf out;
    uint64_t bytes; /* of STDOUT content so far */
    uint64_t taken; /* of records, by the web server */
    const struct client_ops *ops;
    void *arg;
};

/* Takes FD, a connected FastCGI socket with one request on it. */
void client_init(struct client *c, struct loop *loop, int fd,
                 uint16_t request_id, const struct client_ops *ops, void *arg);
/* From now on it is heard of a hang-up.  Whose answer is ready before that has
 * cost the loop nothing. */
void client_watch(struct client *c);
void client_write(struct client *c, const void *data, size_t len);
/* The answer is complete: END_REQUEST, FCGI_REQUEST_COMPLETE. */
void client_end(struct client *c);
/* Sends what can be sent now.  May call ops->gone, never ops->taken. */
void client_flush(struct client *c);
bool client_is_flushed(const struct client *c); /* all of it, or gone */
/* Unsent bytes have reached OUT_HIGH and not yet fallen below OUT_LOW. */
bool client_is_full(const struct client *c);
/* Gives the descriptor back, open: all was sent. */
int client_release(struct client *c);
/* Closes; without client_end() the web server sees a broken answer. */
void client_fini(struct client *c);

#endif
