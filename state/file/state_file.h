/*
 * The life of the state file: found, checked, made, replaced.
 */
#ifndef SLUICE_STATE_FILE_H
#define SLUICE_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"
#include "state/file/opening.h"
#include "state/policy/layout.h"

struct state_file {
    int fd;             /* -1: none */
    struct layout *lay; /* NULL: none */
    dev_t dev;
    ino_t ino;
    struct lay_head head; /* as it was when the file was opened */
};

/*
 * Opens the state file, or makes it, as the table in state_file.c says.  On
 * FILE_OK *F is the caller's, to be given to file_close(), and its lock is free.
 */
MUST_USE enum file_result file_attach(struct state_file *f,
                                      const struct file_open *o);
void file_close(struct state_file *f);
/* Its pages stay in the file, and come back when they are touched.  No lock is
 * needed; not attached is fine. */
void file_rest(const struct state_file *f);

/* Is the path still this file?  Two system calls, none of which blocks. */
bool file_is_current(const struct state_file *f, int dir);

#endif
