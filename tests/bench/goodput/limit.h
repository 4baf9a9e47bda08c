/*
 * The kinds of limits that upstreams have, as each of them counts.
 *
 * Time is an argument and never goes back.
 */
#ifndef SLUICE_GOODPUT_LIMIT_H
#define SLUICE_GOODPUT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum limit_kind {
    LIMIT_NONE = 0,
    LIMIT_FIXED = 1,       /* a window opens at the first hit after the last */
    LIMIT_CLOCK = 2,       /* windows as the clock has them */
    LIMIT_SLIDING = 3,     /* of the last window, what passed counts */
    LIMIT_SLIDING_ALL = 4, /* and what was refused as well */
    LIMIT_BUCKET = 5,      /* SIZE tokens a window, at most BURST at once */
    LIMIT_AT_ONCE = 6,     /* so many in flight */
    LIMIT_KINDS = 7,
};

struct limit_spec {
    enum limit_kind kind;
    uint32_t size; /* 0: it refuses everything */
    int64_t window_ns;
    uint32_t burst; /* of a bucket */
};

struct limit {
    struct limit_spec spec;
    int64_t opened_ns; /* fixed, clock: the window; bucket: the level's time */
    int64_t level;     /* bucket: a token is WINDOW_NS units */
    uint32_t used;     /* fixed, clock: hits; at once: in flight */
    int64_t *log;      /* sliding: hits, oldest first, */
    size_t first, n, cap; /* N of them from FIRST on */
};

void limit_init(struct limit *l, const struct limit_spec *spec, int64_t now);
void limit_fini(struct limit *l);

/* A hit.  False: it is refused. */
bool limit_take(struct limit *l, int64_t now);
/* What was let pass is over, or another limit refused it. */
void limit_release(struct limit *l);

/* How many would pass now?  A lag is not made use of. */
uint32_t limit_left(struct limit *l, int64_t now);
/* When will one pass that comes then, by time alone?  NEVER; NOW or before:
 * at once. */
int64_t limit_opens_ns(struct limit *l, int64_t now);

#endif
