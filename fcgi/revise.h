/*
 * One change of the settings that all workers follow.
 */
#ifndef SLUICE_REVISE_H
#define SLUICE_REVISE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "terms.h"

enum revise_kind {
    REVISE_START = 0,  /* a worker starts: file and kept changes are read */
    REVISE_FOLLOW = 1, /* another worker has published something */
    REVISE_RELOAD = 2, /* file and kept changes are read anew */
    REVISE_PATCH = 3,  /* live changes change */
};

struct revision {
    enum revise_kind kind;
    char *const *env;        /* borrowed, as the next two */
    struct config *running;  /* what is in force here; is not changed */
    const struct terms *own; /* and what it was built from; may be empty */
    uint64_t newest;         /* generation that the shared state knows of */
    const char *patch;       /* a JSON text, terminated */
    size_t patch_len;

    /* What came of it. */
    int status;                /* 200; or why it was refused: 400, 503 */
    char err[512];             /* with another status than 200: one line */
    struct config *cfg;        /* to be put in force; NULL: nothing changes */
    struct terms terms;        /* and what it was built from */
    struct json_object *notes; /* array of texts to warn of */
};

/* Reads, builds, writes; waits for the disk.  R is to be given to
 * revise_fini() whatever comes of it. */
void revise(struct revision *r);
void revise_fini(struct revision *r); /* what was not taken out of it */

#endif
