/*
 * What was, second by second, minute by minute, hour by hour.
 */
#ifndef SLUICE_HISTORY_H
#define SLUICE_HISTORY_H

#include <stdint.h>

#include "limiter.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_history {
    uint64_t pad;
};

/* Needs the lock.  After a crash: what cannot be is made sound. */
void history_rebuild(struct lay_history *h, int64_t now);

/* Needs the lock.  NOTE tells of a request that is over. */
void history_note(struct layout *lay, const struct limiter_note *note);

#endif
