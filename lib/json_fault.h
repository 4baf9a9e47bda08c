/*
 * What is wrong with a text that is no JSON, in words and a place.
 */
#ifndef SLUICE_JSON_FAULT_H
#define SLUICE_JSON_FAULT_H

#include <stddef.h>

#define JSON_FAULT_MAX 160

struct json_fault {
    size_t line, column; /* from 1; columns are characters, not bytes */
    char what[JSON_FAULT_MAX];
};

/* The place of byte AT in TEXT, whose LEN bytes are UTF-8 or nearly so. */
void json_fault_place(struct json_fault *f, const char *text, size_t len,
                      size_t at);
/*
 * json-c stopped at byte AT with CODE (enum json_tokener_error): what should
 * have been there, and the one character that is.  No more of the text is told:
 * it may be a key that was pasted into the wrong place.
 */
void json_fault_explain(struct json_fault *f, const char *text, size_t len,
                        size_t at, int code);

#endif
