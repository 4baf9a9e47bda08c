/* What stands in an item, as the content of a chat message. */
#ifndef SLUICE_INPUT_PARTS_H
#define SLUICE_INPUT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/chat_parts.h"

/* What ITEM has under KEY, a string or a list of parts; P->turn says which item
 * it is.  Only TEXTS: a part of another kind is a fault.  False: a fault. */
bool input_parts_put(struct chat_parts *p, struct json_object *item,
                     const char *key, bool only_texts);

/* Only those that are no texts, into a list. */
bool input_parts_put_others(struct chat_parts *p, struct json_object *item,
                            const char *key);

/* How many of them are there? */
size_t input_parts_others(struct json_object *item, const char *key);

#endif
