/* GET /metrics: for Prometheus, of all workers. */
#ifndef SLUICE_METRICS_H
#define SLUICE_METRICS_H

#include <stdbool.h>

#include "fcgi/step.h"

struct buf;
struct exchange;
struct limiter_tally;

/* Of a route. */
enum step metrics_answer(struct exchange *x);

/* Appends T and what this process uses, as OpenMetrics 1.0 or as Prometheus'
 * text 0.0.4. */
void metrics_write(struct buf *b, const struct limiter_tally *t, bool open);

#endif
