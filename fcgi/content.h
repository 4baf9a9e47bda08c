/*
 * A file that is read whole: a configuration, a key.
 */
#ifndef SLUICE_CONTENT_H
#define SLUICE_CONTENT_H

#include <stddef.h>
#include <sys/stat.h>

struct complaint;
struct json_object;

struct content {
    char *text; /* terminated */
    size_t len;
    mode_t mode;
};

/* Reads PATH, at most MAX bytes; *C is the caller's.  Gives what failed, with
 * c->text NULL, or NULL.  A FIFO is refused, not waited for. */
const char *content_read(struct content *c, const char *path, size_t max);
void content_free(struct content *c); /* wipes it: it may be a key */

/* The key or token in the file at PATH, the caller's in *SECRET.  Gives what is
 * wrong with it, or NULL. */
const char *content_secret(char **secret, const char *path);

/* Its one JSON object, the caller's; NULL: it is none, and ERR says where.
 * Keys that begin with two slashes may be there twice: they are comments. */
struct json_object *content_parse(const struct content *c, const char *path,
                                  struct complaint *err);

#endif
