/*
 * One attempt at a request: the transfer to the upstream.
 */
#ifndef SLUICE_ATTEMPT_H
#define SLUICE_ATTEMPT_H

#include "fcgi/exchange_parts.h"

/* The limiter has chosen UPSTREAM, and that its body asks for the model NAME;
 * NULL: for its client's.  Before it is sent, and maybe another time before it is
 * sent again.  False: its body names no model that could change; nothing has. */
MUST_USE bool attempt_choose(struct exchange *x, uint32_t upstream,
                             const char *name);
/* Sends what its errand is. */
void attempt_begin(struct exchange *x);
/* Breaks off the transfer, if there is one. */
void attempt_stop(struct exchange *x);
/* The same, and the request goes on without what came of it. */
void attempt_forget(struct exchange *x);
/* Something came: it is not silent, and a stream's client has heard of it. */
void attempt_is_heard(struct exchange *x);
/* The request will not be sent again: its body need not be kept. */
void attempt_drop_body(struct exchange *x);
void attempt_fini(struct attempt *a);

const struct config_upstream *attempt_upstream(const struct exchange *x);
/* Is the request on its way, and no byte of it on the wire? */
bool attempt_is_unsent(const struct exchange *x);
/* May the attempt have been done, and would it be done twice if it went again?
 * Then its client is told ATTEMPT_ONCE with whatever went wrong. */
bool attempt_may_be_done(const struct exchange *x);
#define ATTEMPT_ONCE                                                           \
    "Sluice did not send it again, because it may have been done: look "       \
    "before "                                                                  \
    "you do."

#endif
