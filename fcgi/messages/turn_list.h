/*
 * The turns of a request, and the chat messages that are made of them.
 */
#ifndef SLUICE_TURN_LIST_H
#define SLUICE_TURN_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/chat_parts.h"

struct turn_list {
    struct json_object *list; /* messages */
    struct buf *out;
    struct messages_fault *fault;
    const char *reasoning_key; /* as in struct messages_ask */
    size_t written;            /* chat messages */
};

/* Turn I; what it says; that as its blocks, NULL if it has none. */
struct json_object *turn_list_at(const struct turn_list *t, size_t i);
struct json_object *turn_list_content(const struct turn_list *t, size_t i);
struct json_object *turn_list_blocks(const struct turn_list *t, size_t i);

bool turn_list_is_assistant(const struct turn_list *t, size_t i);

/* Says turn I nothing that the upstream would hear?  Then it is none, and those
 * beside it may be one. */
bool turn_list_is_silent(const struct turn_list *t, size_t i);

/* Begins a chat message with HEAD; and the content of one. */
void turn_list_begin(struct turn_list *t, const char *head);
struct chat_parts turn_list_parts(struct turn_list *t);

#endif
