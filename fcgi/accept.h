/*
 * Acceptor threads: from a listening socket to whole, parsed requests.
 */
#ifndef SLUICE_ACCEPT_H
#define SLUICE_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "../state/limiter.h"

struct accept;
struct request;

/*
 * Starts the threads on LISTEN_FD (borrowed).  Bodies above MAX_BODY_BYTES
 * become a 413.  Returns NULL with errno on failure.
 */
struct accept *accept_start(int listen_fd, int64_t max_body_bytes);
/* Readable when there are requests. */
int accept_fd(const struct accept *a);
/* All requests that are ready, oldest first, linked by next; or NULL.  The
 * caller owns them and their descriptors. */
struct request *accept_take(struct accept *a);
/* No new requests from now on; those being read still come. */
void accept_stop(struct accept *a);
/* Ends what has been on its way in for too long; once a second or so. */
void accept_expire(struct accept *a, int64_t now);
/* Nothing is on its way in, nothing waits to be taken. */
bool accept_is_idle(struct accept *a);
/* Stops, breaking off what is on its way in, and frees. */
void accept_free(struct accept *a);

#endif
