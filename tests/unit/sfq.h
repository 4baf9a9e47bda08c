/*
 * The fair queue once more, as slowly and plainly as it can be said: a list
 * of requests, and every decision made by looking at all of them.  The oracle
 * of test_queue.c.
 */
#ifndef SLUICE_SFQ_H
#define SLUICE_SFQ_H

#include <stdbool.h>
#include <stdint.h>

#define SFQ_CLIENTS  6
#define SFQ_CLASSES  3
#define SFQ_REQUESTS 60

struct sfq_request {
    bool waits;
    uint32_t cls, client;
    int64_t arrival;
    uint32_t tag; /* the tester's */
};

struct sfq_line { /* of a client in a class, or of a class */
    uint64_t start, finish;
};

struct sfq {
    uint64_t v, class_v[SFQ_CLASSES];
    struct sfq_line cls[SFQ_CLASSES];
    struct sfq_line client[SFQ_CLASSES][SFQ_CLIENTS];
    uint32_t weight[SFQ_CLASSES][SFQ_CLIENTS];
    struct sfq_request r[SFQ_REQUESTS];
    uint32_t n;
};

/* Request I, whose row of Q->r is filled in, lines up. */
void sfq_arrive(struct sfq *q, uint32_t i);
void sfq_leave(struct sfq *q, uint32_t i);
/* Which one goes next?  Q->n: none waits. */
uint32_t sfq_best(const struct sfq *q);
/* It goes, and its line and class are charged. */
void sfq_grant(struct sfq *q, uint32_t i);
/* A granted one did not go: the charge is taken back. */
void sfq_refund(struct sfq *q, uint32_t i);
/* How many go before each one if nobody else arrives: grants them all, on a
 * copy. */
void sfq_positions(const struct sfq *q, uint32_t out[SFQ_REQUESTS]);

#endif
