/*
 * The keys that were made while we ran.
 */
#ifndef SLUICE_KEYS_H
#define SLUICE_KEYS_H

#include <stddef.h>

struct client_key;
struct complaint;
struct config;
struct json_object;

#define KEYS_MAX 1000 /* of them: nearly as many as the state has rows for */

struct keys {
    struct client_key *list; /* in the order of their names */
    size_t n;
};

/* What LIST, an array, says, whoever wrote it: all of it or nothing.  0, and
 * *OUT is the caller's and has room for one more; -1: ERR names the entry. */
int keys_read(struct keys *out, struct json_object *list,
              struct complaint *err);
/* The same as an array, the caller's.  No key is in it, only hashes. */
struct json_object *keys_write(const struct keys *keys);
void keys_free(struct keys *keys); /* wipes them; may be empty */

/* Those of LIST (NULL: none) into CFG, but for those whose name or key its clients have. */
int keys_put(struct config *cfg, struct json_object *list,
             struct complaint *err);
/* Adds to NOTES, an array, a text for each of LIST that CFG leaves out, and for
 * what makes all of them useless. */
void keys_note(const struct config *cfg, struct json_object *list,
               struct json_object *notes);

#endif
