/*
 * Waiting without a thread: a connection is suspended in libmicrohttpd and
 * one timer thread resumes it, when its time has come or its client has left.
 */
#ifndef NIMSIM_WAITS_H
#define NIMSIM_WAITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct waits;

#define WAIT_FOREVER INT64_MAX

/* One per request.  All but conn and fd belong to waits.c. */
struct wait {
    struct MHD_Connection *conn;
    int fd;
    size_t place; /* in the heap, from 1; 0 = not waiting */
    int64_t due_ns;
    bool is_watched;
    atomic_bool is_over; /* the client has left, or nimsim is stopping */
};

enum wait_result {
    WAIT_SUSPENDED = 0, /* return to libmicrohttpd; it calls again */
    WAIT_OVER,          /* give this request up */
};

/* Starts the timer thread.  NULL: it could not, and has said why. */
struct waits *waits_new(size_t max_fds);

/* Wakes all who wait and lets nobody wait again.  Before MHD_stop_daemon. */
void waits_stop(struct waits *ws);
void waits_free(struct waits *ws);

/*
 * Suspends the connection until DUE_NS or up to half a millisecond later.
 * Only from within a callback of libmicrohttpd.  WATCH: a client that closes
 * ends the wait at once.
 */
enum wait_result waits_until(struct waits *ws, struct wait *w, int64_t due_ns,
                             bool watch);

bool waits_is_over(struct waits *ws, struct wait *w);

/* Before the request ends.  After it, nothing in WS points to *W. */
void waits_forget(struct waits *ws, struct wait *w);

#endif
