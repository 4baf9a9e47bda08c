/*
 * The texts that all workers build their settings from.
 */
#ifndef SLUICE_TERMS_H
#define SLUICE_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/json_file.h"

struct complaint;
struct config;
struct json_object;

struct terms {
    uint64_t generation;      /* lib/serial.h; 0: none yet */
    struct json_file file;    /* of the settings file; no text: there is none */
    struct json_object *live; /* live changes, an object; never NULL if used */
    struct json_object *keys; /* that were made, an array; the same */
};

void terms_free(struct terms *t); /* may be zero; is zero afterwards */
void terms_copy(struct terms *to, const struct terms *from);
/* Where T, which was read, says nothing of keys, those of OWN are meant. */
void terms_complete(struct terms *t, const struct terms *own);
/* Are they the same but for the generation? */
bool terms_same(const struct terms *a, const struct terms *b);

/* What all workers follow, in the state directory.  0 and *T is the caller's;
 * -1: there is nothing sound, and ERR says why.  Without keys where a worker
 * has written it that knows of none. */
int terms_read(struct terms *t, const char *state_dir, struct complaint *err);
int terms_write(const struct terms *t, const char *state_dir,
                struct complaint *err);
/* The lock that whoever writes there holds, waiting for WAIT_MS at most; to be
 * closed.  -1: ERR says why. */
int terms_lock(const char *state_dir, int wait_ms, struct complaint *err);
/* Device, inode and time of that file in one number; 0: there is none. */
uint64_t terms_stamp(const char *state_dir);

/* The live changes that are kept across restarts, in the data directory; none
 * are kept: an empty object.  NULL: they cannot be read, and ERR says why. */
struct json_object *terms_read_live(const char *data_dir,
                                    struct complaint *err);
int terms_write_live(struct json_object *live, const char *data_dir,
                     struct complaint *err);

#endif
