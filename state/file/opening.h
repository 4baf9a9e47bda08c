/*
 * What whoever opens a state file knows, and what comes of it.
 */
#ifndef SLUICE_OPENING_H
#define SLUICE_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/file/head.h"

struct lay_live;

#define FILE_NAME "sluice.state"

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
    uint64_t secret;          /* 0: a new one */
    bool *recovered;          /* set when a lost one was replaced, or NULL */
    char *note;               /* gets one line: an error, or what was replaced
                                 and why */
    size_t note_max;
};

/* The line that O's caller gets. */
void opening_note(const struct file_open *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What was sent until NOW is unknown, and so is what others send by another
 * file before they look at the path again: once a second (attach.c). */
void opening_lose_past(struct lay_live *l, int64_t now);
/* Of state files. */
struct file_kind opening_kind(void);

#endif
