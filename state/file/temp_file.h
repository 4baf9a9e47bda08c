/*
 * A file that is whole before it has its name.
 */
#ifndef SLUICE_TEMP_FILE_H
#define SLUICE_TEMP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base.h"

struct temp_file {
    int dir;       /* borrowed */
    char name[64]; /* until it has its place; "": it has none */
    int fd;        /* -1: none */
    void *map;     /* of SIZE bytes; NULL: none */
    size_t size;
};

/* A map of FD's first SIZE bytes.  NULL: errno says why not. */
void *temp_file_map(int fd, size_t size);

/* Makes one of SIZE zeros, mapped, with all of its space: a page that cannot be
 * had later would be a SIGBUS.  0, or -1 with errno: then there is nothing. */
MUST_USE int temp_file_make(struct temp_file *t, int dir, size_t size);
/* Gives it NAME: over whatever is there, or (FRESH) only if nothing is.  0, or
 * -1 with errno: it is removed. */
MUST_USE int temp_file_place(struct temp_file *t, const char *name, bool fresh);
/* Removes it, unless it has its place, and lets go of the rest. */
void temp_file_drop(struct temp_file *t);

#endif
