/*
 * Files that are whole or not there.  For threads, or at the start: these
 * calls wait for the disk.
 */
#ifndef SLUICE_ATOMIC_FILE_H
#define SLUICE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct complaint;

/* Makes directory PATH, 0700, if only it is missing.  0, or -1. */
int atomic_file_make_dir(const char *path, struct complaint *err);

/*
 * Puts TEXT into DIR/NAME, 0600, in place of what is there: readers see the old
 * or the new one, a crash leaves one of them.  One writer at a time.  DURABLE:
 * on the disk when this returns.  0, or -1 and the old one is there.
 */
int atomic_file_write(const char *dir, const char *name, const char *text,
                      size_t len, bool durable, struct complaint *err);

/* The same, durable, of a file that must not be there yet, by any number of
 * writers: of those that come together one wins.  0: it is there, ours or
 * another's. */
int atomic_file_make(const char *dir, const char *name, const char *text,
                     size_t len, struct complaint *err);

/*
 * Takes the lock DIR/NAME, a file that is made, which those who write there
 * hold, waiting for WAIT_MS at most.  A descriptor to close, or -1.
 */
int atomic_file_lock(const char *dir, const char *name, int wait_ms,
                     struct complaint *err);

#endif
