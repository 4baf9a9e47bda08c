/*
 * What has become of requests so far, in all and for each model and client.
 */
#ifndef SLUICE_TALLY_H
#define SLUICE_TALLY_H

#include <stdint.h>

#include "limiter.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_tally {
    uint64_t pad;
};

/* Needs the lock.  After a crash: what cannot be is made sound. */
void tally_rebuild(struct lay_tally *t, int64_t now);

#endif
