/* Strict JSON, whatever version of json-c there is, and whole texts of it. */
#ifndef SLUICE_JSON_STRICT_H
#define SLUICE_JSON_STRICT_H

#define JSON_DEPTH 256 /* json-c recurses; a tool's schema may be deep */

#include <stddef.h>

struct json_object;
struct json_tokener;

/*
 * Parses TEXT, LEN bytes of valid UTF-8 and a zero behind them.  What came of
 * it is for TOK to tell, as after json_tokener_parse_ex(); the caller owns the
 * value.
 */
struct json_object *json_strict_parse(struct json_tokener *tok,
                                      const char *text, size_t len);

/* The object that TEXT is, LEN bytes and a zero behind them, as deep as
 * JSON_DEPTH; the caller's.  NULL: it is none, or has more behind it, a zero byte
 * in it, or is not UTF-8. */
struct json_object *json_strict_object(const char *text, size_t len);

/* The text of VALUE, borrowed; NULL: it is none, or holds a zero byte
 * ("\u0000"), which would hide what follows it. */
const char *json_strict_text(struct json_object *value);

#endif
