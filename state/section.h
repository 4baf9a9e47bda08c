/*
 * A moment with the shared state between turns.
 *
 * All are false where the lock is busy, where there is no file, or where it
 * proved damaged and is lost now; and where somebody was killed while it wrote:
 * then a turn has to come first.
 */
#ifndef SLUICE_SECTION_H
#define SLUICE_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"

struct limiter;

/* FN only looks, at a file where we need no place. */
MUST_USE bool section_read(struct limiter *lim, void (*fn)(void *), void *arg);
/* FN writes, where we have our place. */
MUST_USE bool section_write(struct limiter *lim, void (*fn)(void *), void *arg);
/* The same where we need no place, and then THEN, with the lock still held: for
 * section_also(). */
MUST_USE bool section_both(struct limiter *lim, void (*fn)(void *),
                           void (*then)(void *), void *arg);
/* FN writes in the statistics.  With WAIT_NS the lock is waited for. */
MUST_USE bool section_stats(struct limiter *lim, int64_t wait_ns,
                            void (*fn)(void *), void *arg);

/* Needs the lock: FN in the statistics, in a section of its own.  False: they
 * are damaged, and new ones are looked for soon, or those of a newer file. */
bool section_also(struct limiter *lim, void (*fn)(void *), void *arg);
/* Without the lock, in the statistics: words that are read at once. */
bool section_glance(struct limiter *lim, void (*fn)(void *), void *arg);

#endif
