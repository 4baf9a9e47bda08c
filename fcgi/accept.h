/*
 * From a listening socket to whole, parsed requests.
 */
#ifndef SLUICE_ACCEPT_H
#define SLUICE_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/loop.h"

struct accept;
struct config;
struct request;
struct routes;

/* Takes the request and its descriptor. */
typedef void accept_fn(void *arg, struct request *r);

/*
 * FN is called from LOOP for each request that comes in over LISTEN_FD
 * (borrowed, made non-blocking), with its route out of TABLE (borrowed).
 * Bodies above MAX_BODY bytes become a 413.
 * OPEN (borrowed) counts FN's requests that are not over: each may want a
 * descriptor yet, for its upstream.  Returns NULL with errno on failure.
 */
struct accept *accept_start(struct loop *loop, int listen_fd,
                            const struct routes *table, int64_t max_body,
                            const uint32_t *open, accept_fn *fn, void *arg);
/* Who CFG (borrowed) does not let in is refused before his body has come.  To
 * be called anew before CFG is freed. */
void accept_follow(struct accept *a, const struct config *cfg);
/* Takes FD: all of an answer has gone over it, while its request still comes. */
void accept_linger(struct accept *a, int fd);
/* No new connections from now on, but those that are there already; requests
 * on their way in still come. */
void accept_stop(struct accept *a);
/* Ends what has been on its way in for too long; once a second or so. */
void accept_expire(struct accept *a, int64_t now);
/* Nothing is on its way in. */
bool accept_is_idle(struct accept *a);
/* Stops, breaking off what is on its way in, and frees.  NULL is fine. */
void accept_free(struct accept *a);

#endif
