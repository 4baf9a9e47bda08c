/*
 * A new state file; for state_file.c alone.
 */
#ifndef SLUICE_BIRTH_H
#define SLUICE_BIRTH_H

#include <stdbool.h>
#include <stdint.h>

#include "state/file/state_file.h"

#define TEMP_PREFIX "." FILE_NAME "." /* of its name before it has its place */

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

/* ---- state_file.c ------------------------------------------------------------- */

/* The line that O's caller gets. */
void file_note(const struct file_open *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* NULL: errno says why not. */
struct layout *file_map(int fd);
/* What a new file's head says, but for its time; also what an old one's is
 * compared with. */
void file_head_init(struct lay_head *h, uint64_t secret);
void file_head_sign(struct lay_head *h);
/* What was sent until NOW is unknown, and so is what others send by another
 * file before they look at the path again: once a second (attach.c). */
void file_lose_past(struct lay_live *l, int64_t now);

#endif
