/*
 * An office for the tests of the settings: a directory with a settings file,
 * and clerks, each of whom follows what all do, as a worker would.  In the
 * texts ' stands for ".
 */
#ifndef SLUICE_OFFICE_H
#define SLUICE_OFFICE_H

#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/config.h"
#include "fcgi/config/revise.h"
#include "fcgi/config/revision.h"
#include "fcgi/config/terms.h"

struct office {
    char dir[64], file[96];
    char variables[4][128];
    char *env[5];
};

struct clerk {
    struct config *cfg;
    struct terms own;
};

/* A fresh directory; its state and data are in it, too. */
struct office *office_new(const char *settings);
/* Writes a file at PATH; one of that name in the directory. */
void office_put_file(const char *path, const char *text);
void office_put(const struct office *o, const char *name, const char *text);
void office_remove(const struct office *o, const char *name);
void office_free(struct office *o);

/* Starts as a worker does.  Asserts. */
void clerk_start(struct office *o, struct clerk *w);
void clerk_end(struct clerk *w);
/* Lets W make that change; its status, and in *NOTES how many warnings. */
int clerk_make(struct office *o, struct clerk *w, enum revise_kind kind,
               const char *patch, uint64_t newest, size_t *notes);
int clerk_follow(struct office *o, struct clerk *w, uint64_t newest);
int clerk_patch(struct office *o, struct clerk *w, const char *text);
/* Lets W do DEED to the key of NAME; *KEY, or NULL, is the one that was made. */
int clerk_keys(struct office *o, struct clerk *w, enum key_deed deed,
               const char *name, const char *text, char key[KEY_TEXT]);

#endif
