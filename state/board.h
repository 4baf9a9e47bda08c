/*
 * A text that one worker writes once a second and all may read.
 */
#ifndef SLUICE_BOARD_H
#define SLUICE_BOARD_H

#include <stdint.h>

#include "limiter.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_board {
    uint64_t pad;
};

/* Needs the lock.  After a crash: what cannot be is made sound. */
void board_rebuild(struct lay_board *b, int64_t now);

#endif
