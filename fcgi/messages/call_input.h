/*
 * The input of a call as partial JSON: what may be passed on of a text that
 * should be a JSON object and comes in pieces.
 */
#ifndef SLUICE_CALL_INPUT_H
#define SLUICE_CALL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* The member under which stands what is no object. */
#define CALL_INPUT_WRONG "INVALID_JSON"

/* All zeros before the first piece. */
struct call_input {
    int at;    /* enum place of call_input.c */
    int depth; /* of open brackets, in the object */
    bool in_text, is_escaped;
    char held[4]; /* what may become null */
    size_t len;   /* of that */
};

/* Appends to OUT what the next LEN bytes of TEXT, of whole characters, add to
 * the input. */
void call_input_take(struct call_input *c, const char *text, size_t len,
                     struct buf *out);

/* The text is over: appends what makes it whole, if it is no object. */
void call_input_end(struct call_input *c, struct buf *out);

/* The object has come to its end: nothing is added any more. */
bool call_input_is_whole(const struct call_input *c);

/* Appends the input that the LEN bytes of TEXT are, as a JSON object. */
void call_input_write(const char *text, size_t len, struct buf *out);

#endif
