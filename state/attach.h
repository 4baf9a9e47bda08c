/*
 * Is the file we hold the one that all use, and if not, which is?
 */
#ifndef SLUICE_ATTACH_H
#define SLUICE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base.h"

struct limiter;

/* At the start: directory, file and socket.  False: ERR says why not. */
MUST_USE bool attach_first(struct limiter *lim, const char *data_dir, char *err,
                           size_t err_max);
/* Before a turn: false while no sound file can be had. */
MUST_USE bool attach_check(struct limiter *lim);
/* Is our file, and its directory, now where all look for it?  Changes nothing:
 * for a moment between turns. */
MUST_USE bool attach_is_in_place(const struct limiter *lim);
/* After each moment under the lock: were the statistics damaged?  Others are
 * looked for then. */
void attach_look_at_stats(struct limiter *lim);
/* Drops the file; its tickets wait for the next one.  DAMAGED: it must not be
 * used again. */
void attach_lose(struct limiter *lim, const char *why, bool damaged);

#endif
