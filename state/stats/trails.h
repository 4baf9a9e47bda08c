/*
 * What went to each upstream, second by second, minute by minute, hour by hour.
 *
 * A trail is the past of one name: a key of a pool has a name of its own.  Its
 * steps lie where the rings have that moment (rings.h).
 */
#ifndef SLUICE_TRAILS_H
#define SLUICE_TRAILS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/rings.h"

#define TRAILS          LIMITER_UPSTREAMS /* names: those of now, and of before */
#define TRAIL_NAME_SIZE 32                /* with its zero */

/* 20 bytes. */
struct lay_trail_step {
    uint32_t when; /* its begin, in steps of its ring since 1970; stored last */
    uint32_t sends, refused;        /* on the wire; answered with 429 */
    uint32_t tokens_in, tokens_out; /* 2^32 - 1: so many, or more */
};

/* 256 KB, touched where it is used. */
struct lay_trail {
    char name[TRAIL_NAME_SIZE]; /* "": free */
    int64_t last_s;             /* the last moment that was counted */
    uint32_t used;              /* 1: its steps have to be cleared first */
    uint32_t ready_s; /* AT_S, if its steps of that second are begun */
    struct lay_trail_step steps[HISTORY_ALL];
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_trails {
    int64_t first_s; /* the oldest moment that was ever counted; 0: none */
    /* Of the second AT_S: where it lies in each ring, or NONE. */
    int64_t at_s;
    uint32_t places[HISTORY_RINGS], when[HISTORY_RINGS];
    uint32_t of_row[LIMITER_UPSTREAMS]; /* a row's trail + 1; 0: look for it */
    uint64_t filled_to; /* as of the rings: trails_order() + 1 */
    struct lay_trail of[TRAILS];
};

/* A step on its way to the disk, or from it. */
struct trail_item {
    char name[TRAIL_NAME_SIZE];
    uint32_t block, place; /* on the disk; in the rings */
    struct lay_trail_step step;
};

/* Can this be an upstream's name? */
bool trails_is_name(const char name[TRAIL_NAME_SIZE]);
/* Is S what a trail may hold at place I of the rings?  Then *T is its time. */
bool trails_belongs(const struct lay_trail_step *s, uint32_t i, int64_t *t);
/* When T is, as a step of RING has it. */
uint32_t trails_when(const struct history_ring *ring, int64_t t);
/* Items lie on the disk in this order. */
uint64_t trails_order(const struct trail_item *item);

/* All below needs the lock. */

/* One went to the upstream of ROW, or of no row, called NAME, now.  KNOWN: the
 * last one of that row had this name, too. */
void trails_sent(struct lay_trails *t, const struct lay_history *h,
                 uint32_t row, const char *name, bool known);
/* What it answered; ROW only if its last one had this name. */
void trails_count(struct lay_trails *t, const struct lay_history *h,
                  uint32_t row, const char *name,
                  const struct upstream_answer *n);
/* What an older file knew is added, once. */
void trails_fill(struct lay_trails *t, const struct lay_history *h,
                 const struct trail_item *item);
/* After a crash: what cannot be is made sound. */
void trails_rebuild(struct lay_trails *t);

#endif
