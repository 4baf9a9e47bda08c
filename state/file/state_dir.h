/*
 * The directory that the state lies in.
 */
#ifndef SLUICE_STATE_DIR_H
#define SLUICE_STATE_DIR_H

#include <stddef.h>
#include <sys/stat.h>

#include "lib/base.h"

/* Of the names that files have before they have their place: of all kinds. */
#define FILE_TEMP_PREFIX ".sluice."

/* Opens directory PATH, made 0700 if only it is missing.  -1: NOTE says why. */
MUST_USE int file_open_dir(const char *path, char *note, size_t note_max);

/* Why a file must not be used, by what it is; NULL: it may be. */
const char *file_stranger(const struct stat *st);

/* Removes what makers of files left that were killed; only when no other
 * worker lives. */
void file_clean_dir(int dir);

#endif
