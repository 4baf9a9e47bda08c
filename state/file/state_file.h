/*
 * The life of the state file: found, checked, made, replaced.
 */
#ifndef SLUICE_STATE_FILE_H
#define SLUICE_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"
#include "state/policy/layout.h"

#define FILE_NAME "sluice.state"

struct state_file {
    int fd;             /* -1: none */
    struct layout *lay; /* NULL: none */
    dev_t dev;
    ino_t ino;
    struct lay_head head; /* as it was when the file was opened */
};

enum file_result {
    FILE_OK = 0,
    FILE_BUSY = 1,    /* somebody holds the lock: try again */
    FILE_REFUSED = 2, /* an administrator must look at it */
    FILE_FAILED = 3,  /* the system refused: no space, no memory, ... */
};

struct file_open {
    int dir;
    bool cold;      /* no other worker lives here */
    bool elsewhere; /* but some do who send, or sent, by another file: what the
                     * windows of this one hold is not all */
    int64_t now;    /* CLOCK_BOOTTIME: also the time since boot.  Raised to the
                     * clock's own reading wherever it is written down */
    /* When the last file we had was made, or 0.  What is at the path must be
     * newer: that one may be damaged, and a copy of it (a backup that was put
     * back) knows nothing of the sends since. */
    int64_t had_created_ns;
    /* What a new file in place of a lost one carries on. */
    int64_t service_start_ns; /* 0: now */
    uint64_t recoveries;      /* so far */
    uint64_t secret;          /* 0: a new one */
    char *note;               /* gets one line: an error, or what was replaced
                                 and why */
    size_t note_max;
};

/* Opens directory PATH, made 0700 if only it is missing.  -1: *O->note. */
MUST_USE int file_open_dir(const char *path, char *note, size_t note_max);

/*
 * Opens the state file, or makes it, as DESIGN's table says.  On FILE_OK *F is
 * the caller's, to be given to file_close(), and its lock is free.
 */
MUST_USE enum file_result file_attach(struct state_file *f,
                                      const struct file_open *o);
void file_close(struct state_file *f);
/* Its pages stay in the file, and come back when they are touched.  No lock is
 * needed; not attached is fine. */
void file_rest(const struct state_file *f);

/* Is the path still this file?  Two system calls, none of which blocks. */
bool file_is_current(const struct state_file *f, int dir);

/* Is this head one of this version? */
bool file_head_is_sound(const struct layout *lay);

/* Removes what makers of files left that were killed; only when no other
 * worker lives. */
void file_clean_dir(int dir);

#endif
