/*
 * The tools of a request, as chat completions have them, and whose a call is.
 */
#ifndef SLUICE_RESPONSE_TOOLS_H
#define SLUICE_RESPONSE_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/messages_fault.h"
#include "lib/buf.h"

/* The one parameter of a function that stands for a tool that takes a text. */
#define RESPONSE_TOOLS_INPUT "input"

/* What the client calls a function that chat knows by one name. */
struct response_tool {
    const char *name, *space; /* SPACE "": none */
    bool is_custom;           /* it takes a text */
};

/* Appends ,"tools":... and what else ROOT says of them, or nothing.  NAMES gets
 * what response_tools_find() needs.  False: a fault. */
bool response_tools_write(struct json_object *root, struct buf *out,
                          struct buf *names, struct messages_fault *fault);

/* Is TOOL one that the model was told of? */
bool response_tools_is_offered(struct json_object *tool);

/* The name of a function that was called by ITEM of an input: a JSON string. */
void response_tools_write_name(struct json_object *item, struct buf *out);

/* Is NAME, LEN bytes, among NAMES?  Then it is not just the name of a
 * function, and *TOOL borrows what is. */
bool response_tools_find(const struct buf *names, const char *name, size_t len,
                         struct response_tool *tool);

#endif
