/*
 * Does a worker answer?
 */
#ifndef SLUICE_IS_UP_H
#define SLUICE_IS_UP_H

#include <stdbool.h>

#define LISTEN_HOST_MAX 256

/* Where SLUICE_LISTEN says that we listen. */
struct listen {
    char bind[LISTEN_HOST_MAX]; /* as lighttpd wants it: 0.0.0.0, [::1] */
    char host[LISTEN_HOST_MAX]; /* where a client on this machine finds it */
    int port;
};

/* TEXT, or NULL for the default; false: it is no ADDRESS:PORT. */
bool is_up_place(struct listen *out, const char *text);
/* Does GET PATH there give 200 within WAIT_MS? */
bool is_up_ask(const struct listen *at, const char *path, int wait_ms);

#endif
