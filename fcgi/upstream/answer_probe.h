/*
 * An upstream's answer before its client sees any of it.
 */
#ifndef SLUICE_ANSWER_PROBE_H
#define SLUICE_ANSWER_PROBE_H

#include <stdbool.h>

#include "fcgi/upstream/answer_head.h"
#include "fcgi/upstream/sniff.h"
#include "fcgi/upstream/sse.h"
#include "fcgi/upstream/verdict.h"
#include "lib/buf.h"

struct answer_probe {
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
void answer_probe_begin(struct answer_probe *t, struct upstream_head *head,
                        bool awaited);
void answer_probe_body(struct answer_probe *t, const char *data, size_t len);
/* Has enough come to judge it?  ENDED: no more will. */
bool answer_probe_is_ripe(const struct answer_probe *t, bool ended);
/* White space is all that has come of an answer that is read. */
bool answer_probe_is_blank(const struct answer_probe *t);
/* The verdict on it; ENDED_WELL: the body is whole. */
void answer_probe_judge(struct verdict *v, const struct answer_probe *t,
                        bool ended_well);
/* Of one that has ended: is it no answer, because it was over before it said
 * anything?  ENDS: what a whole stream ends with. */
bool answer_probe_is_false_start(const struct answer_probe *t, bool ended_well,
                                 enum sse_ends ends);
void answer_probe_clear(struct answer_probe *t);

#endif
