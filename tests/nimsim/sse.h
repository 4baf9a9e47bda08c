/*
 * The events of a streamed answer, one at a time and each with its time.
 */
#ifndef NIMSIM_SSE_H
#define NIMSIM_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "model.h"

struct sse {
    struct answer answer;
    struct behaviour how;
    const char *key; /* as it was sent; borrowed, NULL: none was */
    int64_t next;    /* index of the next event */
};

/* When the next event is due, counted from the first one. */
int64_t sse_due_ns(const struct sse *s);

/* Adds the next event, or the next of a sound, to OUT.  False: there is none left. */
bool sse_next(struct sse *s, struct text *out);

#endif
