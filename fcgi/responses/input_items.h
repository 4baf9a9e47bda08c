/* The conversation of a request, as chat completions have it. */
#ifndef SLUICE_INPUT_ITEMS_H
#define SLUICE_INPUT_ITEMS_H

#include <stdbool.h>

#include "fcgi/messages/messages_fault.h"
#include "lib/buf.h"

/* Appends the list of messages that ROOT's `instructions` and `input` are.
 * REASONING_KEY as in struct messages_ask.  False: a fault. */
bool input_items_write(struct json_object *root, const char *reasoning_key,
                       struct buf *out, struct messages_fault *fault);

#endif
