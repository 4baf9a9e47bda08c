/*
 * "Somebody lives", said in the data directory, too: there it outlasts the
 * state directory.
 */
#ifndef SLUICE_ALIVE_H
#define SLUICE_ALIVE_H

#include <stdbool.h>

#include "lib/base.h"

#define ALIVE_NAME ".alive.lock"

/*
 * Says so in DATA_DIR (NULL: nowhere) until the descriptor is closed, which is
 * the caller's to do; -1: it cannot be said there, or is said already by the
 * lock on STATE_DIR, which is the same directory.  Blocks for a moment, and
 * touches a disk: at the start only.  *OTHERS, unless it is NULL, is set where
 * somebody else lives.
 */
MUST_USE int alive_open(const char *data_dir, int state_dir, bool *others);

#endif
