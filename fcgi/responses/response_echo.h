/* What a response says of its own request. */
#ifndef SLUICE_RESPONSE_ECHO_H
#define SLUICE_RESPONSE_ECHO_H

#include "lib/buf.h"

struct json_object;

/* Appends the members that say what ROOT has asked for, each with a comma
 * before it. */
void response_echo_write(struct json_object *root, struct buf *out);

#endif
