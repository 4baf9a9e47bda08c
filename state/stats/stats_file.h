/*
 * The life of the statistics file: found, made, replaced, done without.
 */
#ifndef SLUICE_STATS_FILE_H
#define SLUICE_STATS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base.h"
#include "state/file/head.h"
#include "state/stats/stats_layout.h"

struct stats_file {
    struct stats_layout *lay; /* NULL: not opened yet */
    bool shared;              /* false: memory of our own */
    bool fresh;               /* nobody has looked at what is in it */
    dev_t dev;
    ino_t ino;
};

struct stats_open {
    int dir;
    int lock_fd;         /* of the state file, whose lock this one is under */
    bool starting;       /* then one of another version makes room, too */
    uint64_t recoveries; /* so far: what a new one goes on with */
    char *note;          /* gets one line: an error, or what was replaced */
    size_t note_max;
};

/* Looks at what is at the name, and takes that, or a new one, if it is another
 * one than F's.  False: F is as it was.  Not under the lock. */
MUST_USE bool stats_file_attach(struct stats_file *f,
                                const struct stats_open *o);
/* Memory of our own instead: nobody else sees it, and it ends with us. */
void stats_file_alone(struct stats_file *f, uint64_t recoveries);
void stats_file_close(struct stats_file *f);
/* As file_rest(). */
void stats_file_rest(const struct stats_file *f);
/* Is F what is at the name?  One system call, which does not block. */
bool stats_file_is_current(const struct stats_file *f, int dir);

struct file_kind stats_file_kind(void);

/* Needs the lock, or a copy.  What cannot be is made sound. */
void stats_file_repair(struct stats_layout *st, int64_t now);
/* Needs the lock, of the state file that was made at UNDER_NS.  False: another
 * one, newer than that, has these statistics now. */
bool stats_file_claim(struct stats_layout *st, int64_t under_ns, int64_t now);

#endif
