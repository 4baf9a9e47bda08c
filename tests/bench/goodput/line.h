/*
 * What the plain policies share: one line for all, behind the limit that was
 * set.
 */
#ifndef SLUICE_GOODPUT_LINE_H
#define SLUICE_GOODPUT_LINE_H

#include "limit.h"
#include "run.h"

struct line {
    struct run *r;
    struct job *first, *last;
    uint32_t at;           /* the upstream: an index */
    struct limit believed; /* as set: so many in a window and margin */
};

void line_init(struct line *l, struct run *r, uint32_t at);
void line_fini(struct line *l);
void line_append(struct line *l, struct job *j);
/* What was refused goes before all others. */
void line_put_back(struct line *l, struct job *j);
/* Its answer is broken: again after a pause, or, once too often, told. */
void line_fault(struct line *l, struct job *j);
/* May the first go, as far as the limit that was set goes?  Else, and if there
 * is none, when: NEVER. */
int64_t line_opens_ns(struct line *l);
/* Sends the first, which must be there. */
void line_send(struct line *l);

#endif
