/*
 * An upstream's answer before its client sees any of it.
 */
#ifndef SLUICE_TRIAL_H
#define SLUICE_TRIAL_H

#include <stdbool.h>

#include "buf.h"
#include "head.h"
#include "sniff.h"
#include "sse.h"
#include "verdict.h"

struct trial {
    bool heard;        /* the head is there */
    bool cut;          /* the body is longer than is looked at */
    bool is_awaited;   /* an empty one is no answer */
    bool is_read;      /* its first bytes are looked at */
    enum sniffed kind; /* what they are; SNIFF_UNKNOWN: not seen so far */
    size_t blank;      /* white space before them */
    struct upstream_head head;
    struct buf body; /* at most WORDS_BYTES and one piece of libcurl's */
    /* Of an event stream: */
    struct sse sse;  /* where the last byte that is looked at lies in it */
    size_t preamble; /* bytes of whole events that were read */
    size_t opening;  /* up to one that is content or an error; 0: none yet */
};

/* Takes what HEAD holds.  AWAITED: a 200 has to answer with JSON or events. */
void trial_begin(struct trial *t, struct upstream_head *head, bool awaited);
void trial_body(struct trial *t, const char *data, size_t len);
/* Has enough come to judge it?  ENDED: no more will. */
bool trial_is_ripe(const struct trial *t, bool ended);
/* White space is all that has come of an answer that is read. */
bool trial_is_blank(const struct trial *t);
/* The verdict on it; ENDED_WELL: the body is whole. */
void trial_judge(struct verdict *v, const struct trial *t, bool ended_well);
/* Of one that has ended: is it no answer, because it was over before it said
 * anything?  ENDS: what a whole stream ends with. */
bool trial_is_false_start(const struct trial *t, bool ended_well,
                          enum sse_ends ends);
void trial_clear(struct trial *t);

#endif
