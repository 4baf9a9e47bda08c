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

/* Fills *OUT, to be given to view_free(); false while the state is busy. */
MUST_USE bool limiter_view(struct limiter *lim, int64_t now,
                           struct limiter_view *out);
void view_free(struct limiter_view *view);

/*
 * Copies LAY, locking FD (-1: LAY is a private copy) twice for as long as the
 * copying takes; sorting is done in between.  False: the lock is busy, or
 * *WHAT says what is damaged.  On true *OUT is to be given to view_free().
 */
MUST_USE bool view_collect(int fd, struct layout *lay, int64_t now,
                           struct limiter_view *out, const char **what);

/*
 * Reads the state file in directory DIR without joining the workers.  0, or
 * -1 with one line in ERR.
 */
MUST_USE int view_peek(const char *dir, int64_t now, struct limiter_view *out,
                       char *err, size_t err_max);

#endif
