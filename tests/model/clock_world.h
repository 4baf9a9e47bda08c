/* What the game of the clocks knows of one moment: clock.c and clock_turn.c. */
#ifndef SLUICE_MODEL_CLOCK_WORLD_H
#define SLUICE_MODEL_CLOCK_WORLD_H

#include "tests/model/clock.h"

enum { HOSTS = 3, UNKNOWN = -1, NO_CALL = -1 };

struct call {
    int8_t since; /* it was composed; NO_CALL: there is none */
    int8_t done;  /* executed, on its way back */
    int8_t rtt;   /* of the call before it, or UNKNOWN */
};

struct host {
    struct call now, late; /* late: nobody waits for it any more */
    int8_t rtt;            /* of its last call, if the answer came */
    /* what the store knows of it */
    int8_t known, young;
    int8_t ago;               /* since its last call was composed (b) */
    int8_t o;                 /* b + o as it is now, beside v */
    int8_t behind, behind_is; /* b + behind, the same */
    int8_t least;             /* of its round trips, or UNKNOWN */
    int8_t slow;              /* the longest that least ever was */
    int8_t reset, stepped,
        watched; /* seq < m.reset, < m.stepped, < m.watched */
};

struct store {
    int8_t up;    /* beside v */
    int8_t time;  /* TIME since the last call */
    int8_t ex;    /* the least excess of this watch */
    int8_t watch; /* it began so long ago, by up */
    /* what nobody knows */
    int8_t truth; /* v may go so far */
    int8_t ahead; /* v was beyond it by so much at most */
    int8_t idle;  /* since the last call */
    int8_t steps, news;
    int8_t calm;  /* bits: who has called since TIME stepped */
    int8_t still; /* TIME stepped since the last call */
};

struct clocks {
    struct host host[HOSTS];
    struct store store;
};

static inline int most(int a, int b)
{
    return a > b ? a : b;
}

static inline int least(int a, int b)
{
    return a < b ? a : b;
}

/* What turn.lua does with call C of host H.  Returns whether a promise was broken. */
bool clock_execute(struct clocks *w, int h, const struct call *c);

#endif
