/*
 * One request on its way to an upstream and its answer on the way back, over
 * libcurl.  Knows HTTP, knows nothing of queues or clients.
 */
#ifndef SLUICE_UPSTREAM_H
#define SLUICE_UPSTREAM_H

#include <stdbool.h>

#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/transfer.h"

struct loop;
struct transfer;
struct upstream;

/* NULL when libcurl cannot be had. */
struct upstream *upstream_new(struct loop *loop);
void upstream_free(struct upstream *u);
/* Nothing is asked for a while: what is easily had again goes. */
void upstream_rest(struct upstream *u);
/* Was a transfer started that libcurl has not begun with? */
bool upstream_has_new(const struct upstream *u);
/* Begins with those now: with the loop's next step would be later. */
void upstream_begin(struct upstream *u);

/* Never NULL; what goes wrong comes through ops->end, never from inside. */
struct transfer *transfer_start(struct upstream *u,
                                const struct transfer_request *req,
                                const struct transfer_ops *ops, void *arg);
void transfer_resume(struct transfer *t);
/* May a byte of the request have reached the upstream? */
bool transfer_has_sent(const struct transfer *t);
/* Is all of the body on the wire?  Then it is not read again. */
bool transfer_is_uploaded(const struct transfer *t);
/* Ends it without another callback. */
void transfer_cancel(struct transfer *t);

#endif
