/*
 * An upstream's answer before its client sees any of it.
 */
#ifndef SLUICE_TRIAL_H
#define SLUICE_TRIAL_H

#include <stdbool.h>

#include "buf.h"
#include "head.h"
#include "sse.h"
#include "verdict.h"

struct trial {
    bool heard; /* the head is there */
    bool cut;   /* the body is longer than is looked at */
    struct upstream_head head;
    struct buf body; /* at most WORDS_BYTES and one piece of libcurl's */
    /* Of an event stream: */
    struct sse sse;  /* where the last byte that is looked at lies in it */
    size_t preamble; /* bytes of whole events that were read */
    size_t opening;  /* up to one that is content or an error; 0: none yet */
};

/* Takes what HEAD holds. */
void trial_begin(struct trial *t, struct upstream_head *head);
void trial_body(struct trial *t, const char *data, size_t len);
/* Has enough come to judge it?  ENDED: no more will. */
bool trial_is_ripe(const struct trial *t, bool ended);
/* The verdict on it; ENDED_WELL: the body is whole. */
void trial_judge(struct verdict *v, const struct trial *t, bool ended_well);
/* Of one that has ended: is it an event stream that is no answer, because it
 * was over before it said anything?  ENDS: what a whole one ends with. */
bool trial_is_false_start(const struct trial *t, bool ended_well,
                          enum sse_ends ends);
void trial_clear(struct trial *t);

#endif
