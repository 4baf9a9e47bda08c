/*
 * One whole FastCGI request from a connection, over libfcgi.
 */
#ifndef SLUICE_RECEIVE_H
#define SLUICE_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

#include "fcgi/request.h"

struct gate;

/* What the first bytes of a connection are. */
enum receive_look {
    LOOK_WHOLE = 0, /* all of a request: receive() will not wait */
    LOOK_SHORT = 1, /* more must come */
    LOOK_OTHER = 2, /* no request, as far as can be seen */
};

/* Looks at the LEN bytes that have come over a connection; hostile. */
enum receive_look receive_look(const unsigned char *bytes, size_t len);

/* The request in BYTES, LEN of them and LOOK_WHOLE, as receive() would read it.
 * NULL: libfcgi has to. */
struct request *receive_seen(const unsigned char *bytes, size_t len,
                             struct gate *g, int64_t now);
/*
 * Reads a request that is whole from FD, without waiting.  What G does not admit
 * is not asked for its body.  Bodies that are longer than they said, and too
 * long, are dropped and become a 413.  NOW is its time of arrival.  Returns what
 * was read and parsed, to be freed with request_free(), faults and all; FD stays
 * open.  NULL: the peer broke off or does not speak FastCGI, and FD is closed.
 */
struct request *receive(int fd, struct gate *g, int64_t now);
/* The same as fast as its peer sends, where FD blocks: for a thread.  FD stays
 * open, whatever comes of it; what G does not admit is not waited for, and its
 * body stays in FD. */
struct request *receive_slowly(int fd, struct gate *g, int64_t now);

#endif
