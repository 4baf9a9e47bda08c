/*
 * A number of each step of the past, as an array of JSON.
 */
#ifndef SLUICE_HISTORY_SERIES_H
#define SLUICE_HISTORY_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "state/history.h"

enum series_kind {
    SERIES_U64 = 0,
    SERIES_U32 = 1,
    SERIES_SUM_US = 2,   /* uint64_t, told in seconds, to the millisecond */
    SERIES_SUM_MS = 3,   /* the same of milliseconds */
    SERIES_VALUE_US = 4, /* int64_t, the same; below zero: null */
    SERIES_MILLI = 5,    /* int64_t thousandths; below zero: null */
    SERIES_COUNT = 6,    /* int64_t; below zero: null */
};

/* What it is called, where it lies in what is kept of a step, and how it is
 * written. */
struct series {
    const char *name;
    size_t at;
    enum series_kind kind;
};

/* "NAME":[...] of C.  What is kept of P's steps lies at FIRST, STRIDE bytes each; null
 * stands for a step that nobody kept, or that ended before FROM_S. */
void series_put(struct buf *b, const struct limiter_past *p, int64_t from_s,
                const void *first, size_t stride, const struct series *c);
/* A moment; 0: null. */
void series_moment(struct buf *b, int64_t at_s);

#endif
