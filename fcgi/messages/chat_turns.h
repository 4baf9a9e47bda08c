/*
 * The messages of a request, as chat completions have them.
 */
#ifndef SLUICE_CHAT_TURNS_H
#define SLUICE_CHAT_TURNS_H

#include <stdbool.h>

#include "fcgi/messages/messages_fault.h"
#include "lib/buf.h"

struct json_object;

/* Appends the list of them that ROOT's `system` and `messages` are.  *ENDS_OPEN:
 * the last one is the beginning of an answer.  False: a fault. */
bool chat_turns_write(struct json_object *root, const char *reasoning_key,
                      struct buf *out, bool *ends_open,
                      struct messages_fault *fault);

#endif
