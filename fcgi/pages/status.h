/* Who waits, who runs, and how full is the window?  Told as JSON. */
#ifndef SLUICE_STATUS_H
#define SLUICE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/step.h"
#include "lib/buf.h"

struct exchange;
struct sluice;

/*
 * Appends the snapshot, no older than FRESH_NS, to OUT; *NUMBER is another one
 * for each.  Built here if it has to be and no other worker is at it.  False:
 * not now, ask again in a moment.
 */
bool status_text(struct sluice *s, int64_t fresh_ns, struct buf *out,
                 uint64_t *number);

/* GET /api/status: the snapshot. */
enum step status_answer(struct exchange *x);
/* GET /api/queue: who waits, in the order they will go; who runs. */
enum step queue_answer(struct exchange *x);

#endif
