/* The tools of a request, as chat completions have them. */
#ifndef SLUICE_CHAT_TOOLS_H
#define SLUICE_CHAT_TOOLS_H

#include <stdbool.h>

#include "fcgi/messages/messages_fault.h"
#include "lib/buf.h"

/* Appends ,"tools":... and what else ROOT says of them, or nothing.  False: a
 * fault. */
bool chat_tools_write(struct json_object *root, struct buf *out,
                      struct messages_fault *fault);

#endif
