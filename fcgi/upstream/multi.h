/*
 * libcurl's multi interface on our loop: its sockets, its timer, its pool of
 * connections.  Knows nothing of what its transfers are for.
 */
#ifndef SLUICE_MULTI_H
#define SLUICE_MULTI_H

#include <stdbool.h>

#include <curl/curl.h>

#include "lib/loop.h"

struct socket_watch;

struct multi {
    CURLM *curl;
    struct loop *loop;
    struct loop_timer timer;
    struct socket_watch **sockets; /* by their numbers */
    size_t n_sockets;              /* numbers there is room for */
    int depth;                     /* > 0: inside libcurl */
    void (*settle)(void *arg);
    bool (*has_sent)(CURL *easy);
    void *arg;
};

/* SETTLE(ARG) comes after each step of libcurl's; HAS_SENT says whether EASY had a
 * connection to send over.  False: libcurl cannot be had. */
bool multi_open(struct multi *m, struct loop *loop, void (*settle)(void *arg),
                bool (*has_sent)(CURL *easy), void *arg);
void multi_close(struct multi *m);
/* EASY's connections are closed by M, which stays to their end. */
void multi_own(struct multi *m, CURL *easy);
/* Lets it act now, as if its time had come. */
void multi_begin(struct multi *m);

#endif
