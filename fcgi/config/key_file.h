/*
 * Where the keys that were made are kept: data_dir/keys.json.
 */
#ifndef SLUICE_KEY_FILE_H
#define SLUICE_KEY_FILE_H

#include <stdbool.h>

struct complaint;
struct json_object;

/* What is kept in DATA_DIR, sound and whole, an array (keys.h) that is the
 * caller's; without a file an empty one, and *MISSING.  NULL: it cannot be
 * used, and ERR says why.  Waits for the disk. */
struct json_object *key_file_read(const char *data_dir, bool *missing,
                                  struct complaint *err);
/* Keeps LIST in its place.  One that cannot be used is set aside first, as
 * keys.json.bad.  0, or -1 and ERR.  Waits for the disk. */
int key_file_write(struct json_object *list, const char *data_dir,
                   struct complaint *err);

#endif
