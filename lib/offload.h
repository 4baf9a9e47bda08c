/*
 * Work that waits (for a disk, for a lock) and so is no work for the loop.
 */
#ifndef SLUICE_OFFLOAD_H
#define SLUICE_OFFLOAD_H

#include <stdbool.h>

#include "lib/loop.h"

struct offload;

/* Embedded in what is worked on, which lives until DONE was called. */
struct job {
    struct job *next;
    /* In a thread: touches nothing that the loop may touch meanwhile. */
    void (*work)(struct job *job);
    /* In the loop, later.  RAN: false where no thread could be had. */
    void (*done)(struct job *job, bool ran);
};

/* NULL with errno. */
struct offload *offload_new(struct loop *loop);
/* Does JOB, after all that were given before it. */
void offload_do(struct offload *o, struct job *job);
/* Waits for the one that runs; done() says of those that did not run that they
 * did not.  NULL is fine. */
void offload_free(struct offload *o);

#endif
