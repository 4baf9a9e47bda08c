/*
 * What operators have decided, for all workers.
 */
#ifndef SLUICE_CONTROL_H
#define SLUICE_CONTROL_H

#include <stdint.h>

#include "limiter.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_control {
    uint64_t pad;
};

/* Needs the lock.  After a crash: what cannot be is made sound. */
void control_rebuild(struct lay_control *c, int64_t now);

#endif
