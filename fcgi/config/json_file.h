/*
 * A file that is read whole: settings as JSON, or a key.
 */
#ifndef SLUICE_JSON_FILE_H
#define SLUICE_JSON_FILE_H

#include <stddef.h>
#include <sys/stat.h>

struct complaint;
struct json_object;

struct json_file {
    char *text; /* terminated */
    size_t len;
    mode_t mode;
};

/* Reads PATH, at most MAX bytes; *F is the caller's.  Gives what failed, with
 * f->text NULL, or NULL.  A FIFO is refused, not waited for. */
const char *json_file_read(struct json_file *f, const char *path, size_t max);
void json_file_free(struct json_file *f); /* wipes it: it may be a key */

/* The key or token in the file at PATH, the caller's in *SECRET.  Gives what is
 * wrong with it, or NULL. */
const char *json_file_secret(char **secret, const char *path);

/* Its one JSON object, the caller's; NULL: it is none, and ERR says where.
 * Keys that begin with two slashes may be there twice: they are comments. */
struct json_object *json_file_parse(const struct json_file *f, const char *path,
                                    struct complaint *err);

#endif
