/*
 * JSON that we write: always valid, whatever it is made of.
 */
#ifndef SLUICE_JSON_WRITE_H
#define SLUICE_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct json_object;

/*
 * Appends the LEN bytes of TEXT as they stand inside of a string, without its
 * quotes: zero bytes and quotes are escaped, what is not UTF-8 becomes U+FFFD.
 * So a long text can be written piece by piece, each of whole characters.
 */
void json_write_chars(struct buf *b, const char *text, size_t len);

/* A whole string, with its quotes. */
void json_write_text(struct buf *b, const char *text, size_t len);

/* The same of a string of json-c; of anything else "". */
void json_write_string(struct buf *b, struct json_object *string);

/* Any value of json-c; what JSON has no word for (NaN) becomes null. */
void json_write_value(struct buf *b, struct json_object *value);

#endif
