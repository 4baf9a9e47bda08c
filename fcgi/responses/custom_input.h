/*
 * The text that a custom tool is called with, out of the JSON that stands for it
 * in chat and comes in pieces: {"input":"..."}.
 */
#ifndef SLUICE_CUSTOM_INPUT_H
#define SLUICE_CUSTOM_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* All zeros before the first piece. */
struct custom_input {
    int at;          /* enum place of custom_input.c */
    size_t n;        /* bytes of what stands before the text, so far */
    char held[16];   /* an escape that is not whole */
    size_t len;      /* of that */
    struct buf json; /* all of it, until the text has begun */
};

void custom_input_fini(struct custom_input *c);

/* Appends to OUT what the next LEN bytes of JSON, of whole characters, add to the
 * text, as it stands in a JSON text. */
void custom_input_take(struct custom_input *c, const char *json, size_t len,
                       struct buf *out);

/* The JSON is over: the same of what has waited. */
void custom_input_end(struct custom_input *c, struct buf *out);

#endif
