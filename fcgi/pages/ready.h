/*
 * GET /health/ready: could a request that comes now be served soon?
 */
#ifndef SLUICE_READY_H
#define SLUICE_READY_H

#include <stdbool.h>

#include "fcgi/step.h"
#include "state/limiter.h"
#include "state/readiness.h"

struct config;
struct exchange;
struct ready;
struct sluice;

struct ready_verdict {
    bool ready; /* the next three, a key that is of use, and no pause */
    bool reachable, queue, tokens;
    bool usable;      /* an upstream does not refuse our key */
    bool paused;      /* an operator lets nothing go */
    int store;        /* 1 it is there, 0 it is lost, -1: none is shared */
    int key;          /* of ours: 1 one is taken, 0 all are refused, -1 there is
                       * none, or that is not known */
    char reason[200]; /* of the first that is wrong; "" if none is */
};

struct ready *ready_new(struct sluice *s);
void ready_free(struct ready *r); /* NULL is fine */

/* Waits, without blocking, while an upstream is asked. */
enum step ready_answer(struct exchange *x);

/* What ST means under the thresholds of CFG, while all is PAUSED or not. */
void ready_judge(struct ready_verdict *v, const struct limiter_ready *st,
                 const struct config *cfg, bool paused);

#endif
