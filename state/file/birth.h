/*
 * A new state file; for state_file.c alone.
 */
#ifndef SLUICE_BIRTH_H
#define SLUICE_BIRTH_H

#include <stdbool.h>

#include "state/file/opening.h"

/* How much of the past a new file knows. */
enum past {
    PAST_FROM_BOOT = 0,   /* nobody sent since the machine is up */
    PAST_LOST = 1,        /* nothing until it is there */
    PAST_LOST_COUNTED = 2 /* the same, and a file was lost for it */
};

/* Puts a new file at the name: over whatever is there, or (FRESH) only if
 * nothing is.  FILE_OK also when another process was quicker. */
MUST_USE enum file_result birth_make(const struct file_open *o, enum past past,
                                     bool fresh);

#endif
