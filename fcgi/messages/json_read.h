/*
 * JSON that somebody else has written, as a tree whose size is bounded.
 */
#ifndef SLUICE_JSON_READ_H
#define SLUICE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

enum json_read {
    JSON_READ_OK = 0,
    JSON_READ_NONE = 1, /* it is no JSON object, or more than one */
    JSON_READ_MANY = 2, /* it could hold more than JSON_VALUES_MAX values */
};

/* Reads TEXT, LEN bytes and a zero behind them.  With JSON_READ_OK the caller
 * owns *ROOT, an object as deep as JSON_DEPTH; else it is NULL. */
enum json_read json_read_object(const char *text, size_t len,
                                struct json_object **root);

/* What O has under KEY, borrowed.  NULL: nothing, null, or O is no object. */
struct json_object *json_read_member(struct json_object *o, const char *key);

/* The same where it is of one kind only. */
struct json_object *json_read_list(struct json_object *o, const char *key);
struct json_object *json_read_string(struct json_object *o, const char *key);

/* The text under KEY and its length, which zero bytes in it do not end; NULL:
 * none. */
const char *json_read_text(struct json_object *o, const char *key, size_t *len);

/* Is it the text WORD? */
bool json_read_is(struct json_object *o, const char *key, const char *word);

#endif
