/*
 * A whole answer as the events of a stream, for a client that was promised
 * one.
 */
#ifndef SLUICE_UNFOLD_H
#define SLUICE_UNFOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/upstream/sse.h"
#include "lib/buf.h"

struct json_object;

enum unfolded {
    UNFOLD_NOT = 0,    /* it is no answer of that kind: OUT is as it was */
    UNFOLD_ANSWER = 1, /* a whole stream, with its end */
    UNFOLD_ERROR = 2,  /* it was an error: one event, as it is */
};

/*
 * Appends to OUT what the LEN bytes of TEXT say as events.  ENDS says of which
 * API: what its streams end with.
 */
enum unfolded unfold(struct buf *out, const char *text, size_t len,
                     enum sse_ends ends);

/* For the parts of it: appends an event with DATA, which it frees.  NAME may
 * be NULL. */
void unfold_event(struct buf *out, const char *name, struct json_object *data);
/* A new object with all of O's members but those of LEFT_OUT, a list with NULL
 * at its end. */
struct json_object *unfold_copy(struct json_object *o,
                                const char *const *left_out);
/* The text that O has under KEY; NULL: none. */
const char *unfold_text(struct json_object *o, const char *key);
/* The list that O has under KEY; NULL: none. */
struct json_object *unfold_list(struct json_object *o, const char *key);

/* The object of the Responses API, and Anthropic's message.  False: ROOT is
 * none. */
bool unfold_response(struct buf *out, struct json_object *root);
bool unfold_message(struct buf *out, struct json_object *root);

#endif
