/*
 * The shared state as people want to see it: a copy, ordered and named.
 */
#ifndef SLUICE_VIEW_H
#define SLUICE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/view_form.h"

struct layout;
struct limiter;
struct stats_layout;

/* Fills *OUT, to be given to view_free(); false while the state is busy. */
MUST_USE bool limiter_view(struct limiter *lim, int64_t now,
                           struct limiter_view *out);
void view_free(struct limiter_view *view);

/* What a view is made of: a worker's files, or private copies of them. */
struct view_source {
    int fd; /* whose lock is taken; -1: they are copies, which need none */
    struct layout *lay;
    struct stats_layout *stats; /* NULL: there are none */
    /* section_also() of LIM; or NULL, of a copy. */
    bool (*also)(struct limiter *lim, void (*fn)(void *), void *arg);
    struct limiter *lim;
};

/*
 * Copies the state, locking it twice for as long as the copying takes; sorting
 * is done in between.  False: the lock is busy, or *WHAT says what is damaged.
 * On true *OUT is to be given to view_free().
 */
MUST_USE bool view_collect(const struct view_source *from, int64_t now,
                           struct limiter_view *out, const char **what);
/* The same of statistics alone. */
void view_of_stats(const struct stats_layout *stats, struct limiter_view *out);

/*
 * Reads the files in directory DIR without joining the workers.  0: ERR, if not
 * "", says which of the two could not be had, and *OUT has nothing of it.  Or -1
 * with one line in ERR.
 */
MUST_USE int view_peek(const char *dir, int64_t now, struct limiter_view *out,
                       char *err, size_t err_max);

#endif
