/*
 * All the times at which an exchange has something to do by itself.
 */
#ifndef SLUICE_DEADLINES_H
#define SLUICE_DEADLINES_H

#include <stdbool.h>
#include <stdint.h>

enum deadline {
    DUE_LATER,  /* the state is asked anew */
    DUE_QUEUE,  /* its time in line is over */
    DUE_ANSWER, /* the upstream's answer has to be there */
    DUE_BLANK,  /* its white space has lasted: it passes */
    DUE_PAUSE,  /* the next attempt, or the next poll, may go */
    DUE_IDLE,   /* the upstream has sent nothing for too long */
    DUE_OVER,   /* its stream has said its end: it is ended by us */
    DUE_COMMIT, /* a head of ours goes out, if there is none */
    DUE_BEAT,   /* a sign of life */
    DUE_BREAK,  /* an answer that stays without its end may break off */
    DUE_STALL,  /* bytes have waited too long for the client to take one */
    DEADLINES
};

/* A time of the loop's each, in ns; NEVER where nothing is to happen.  Which
 * of them count is a matter of the step (exchange.c). */
struct deadlines {
    int64_t at[DEADLINES];
};

/* All of them never. */
void deadlines_init(struct deadlines *d);
/* The next one of those in MASK, a bit for each. */
int64_t deadlines_next(const struct deadlines *d, unsigned mask);

#define DUE(what) (1U << DUE_##what)

#endif
