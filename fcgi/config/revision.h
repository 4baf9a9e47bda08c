/*
 * One change of the settings: what is wanted, and what comes of it.
 */
#ifndef SLUICE_REVISION_H
#define SLUICE_REVISION_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/config.h"
#include "fcgi/config/key_order.h"
#include "fcgi/config/settings.h"
#include "fcgi/config/terms.h"
#include "lib/complaint.h"

enum revise_kind {
    REVISE_START = 0,  /* a worker starts: file and kept changes are read */
    REVISE_FOLLOW = 1, /* another worker has published something */
    REVISE_RELOAD = 2, /* file and kept changes are read anew */
    REVISE_PATCH = 3,  /* live changes change */
    REVISE_KEYS = 4,   /* the keys that were made do */
    REVISE_SHARED =
        5, /* another host has changed either: both are in the patch */
};

struct revision {
    enum revise_kind kind;
    char *const *env;        /* borrowed, as the next two */
    struct config *running;  /* what is in force here; is not changed */
    const struct terms *own; /* and what it was built from; may be empty */
    uint64_t newest;         /* generation that the shared state knows of */
    const char *patch;       /* a JSON text, terminated */
    size_t patch_len;
    struct key_order order; /* REVISE_KEYS: what is to be done, and its key */

    /* What came of it. */
    int status;    /* 200; or why it was refused: 400, 503, of a key 404, 409 */
    char err[512]; /* with another status than 200: one line */
    struct config *cfg;        /* to be put in force; NULL: nothing changes */
    struct terms terms;        /* and what it was built from */
    struct json_object *notes; /* array of texts to warn of */
};

/* To warn of; copies TEXT. */
void revision_note(struct revision *r, const char *text);
/* What it is called in the log. */
const char *revision_name(const struct revision *r);
/* Writes into r->err. */
struct complaint revision_complaint(struct revision *r);
/* Returns -1. */
int revision_refuse(struct revision *r, int status);

/* The lock of the state directory, to be closed; -1: r->err says why. */
int revision_lock(struct revision *r);

/* The keys that are kept, into T; where they cannot be read those that are in
 * force, IN_FORCE, and a note.  IN_FORCE may be empty. */
void revision_read_keys(struct revision *r, struct terms *t,
                        const struct terms *in_force);

/* The settings of T, with what is fixed as it is; NULL: r->err says why. */
struct config *revision_build(struct revision *r, const struct terms *t,
                              struct json_object *notes);
/* T is what we follow from now on; takes it. */
int revision_take(struct revision *r, struct terms *t, struct config *cfg);
/* Needs the lock.  Writes T down as newer than anything, and than AFTER, and
 * takes it with CFG. */
int revision_publish(struct revision *r, struct terms *t, struct config *cfg,
                     uint64_t after);

#endif
