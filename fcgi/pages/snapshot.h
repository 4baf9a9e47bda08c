/*
 * The state as people see it, as one line of JSON (API.md).
 */
#ifndef SLUICE_SNAPSHOT_H
#define SLUICE_SNAPSHOT_H

#include "lib/buf.h"
#include "state/limiter.h"
#include "state/view.h"

struct config;

/* GET /api/status in at most MAX bytes, at TIME_MS since 1970.  Sorts the
 * view's lists.  CFG says which upstreams have a key each of one pool; NULL:
 * none. */
void snapshot_put(struct buf *b, struct limiter_view *v,
                  const struct config *cfg, int64_t time_ms, size_t max);
/* GET /api/queue: all that wait and run. */
void snapshot_put_queue(struct buf *b, const struct limiter_view *v);

#endif
