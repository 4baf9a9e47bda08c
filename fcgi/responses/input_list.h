/*
 * The items of a request's input: what each of them is, and the chat messages
 * that are made of them.
 */
#ifndef SLUICE_INPUT_LIST_H
#define SLUICE_INPUT_LIST_H

#include <stddef.h>

#include "fcgi/messages/chat_parts.h"

struct json_object;

enum item_kind {
    ITEM_UNKNOWN = 0,
    ITEM_USER = 1,
    ITEM_SYSTEM = 2, /* or of a developer */
    ITEM_RESULT = 3, /* of a call */
    ITEM_ASSISTANT = 4,
    ITEM_CALL = 5,
    ITEM_THOUGHT = 6,
    ITEM_DONE = 7, /* what a server has done itself */
};

struct input_list {
    struct json_object *list; /* NULL: the input is a text */
    struct buf *out;
    struct messages_fault *fault;
    const char *reasoning_key;
    size_t written; /* chat messages */
};

struct json_object *input_list_at(const struct input_list *l, size_t i);
enum item_kind input_list_kind(struct json_object *item);

/* Begins a chat message with HEAD; and the content of one. */
void input_list_begin(struct input_list *l, const char *head);
struct chat_parts input_list_parts(struct input_list *l);

/* Takes back what was written since there were WRITTEN messages in LEN
 * bytes. */
void input_list_take_back(struct input_list *l, size_t written, size_t len);

#endif
