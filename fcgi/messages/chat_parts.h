/*
 * The content of a chat message: a text, or a list of parts.
 */
#ifndef SLUICE_CHAT_PARTS_H
#define SLUICE_CHAT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/messages_fault.h"
#include "lib/buf.h"

/* Content under construction.  What is asked of it stands where it began, but
 * for its quotes or brackets. */
struct chat_parts {
    struct buf *out;
    struct messages_fault *fault;
    bool is_list;     /* of parts; else one text, and what cannot be in it is a
                     word there */
    bool has_results; /* of tools: what cannot be read of them is said so */
    size_t n;         /* parts so far */
    /* whose block is put, for a fault's words */
    size_t turn, block;
};

/* Opens and closes it; chat_parts_begin() keeps the rest of *P. */
void chat_parts_begin(struct chat_parts *p, bool is_list);
void chat_parts_end(struct chat_parts *p);

/* A text as a part of its own, with what is before and behind it. */
void chat_parts_wrapped(struct chat_parts *p, const char *before,
                        const char *text, size_t len, const char *behind);

/* An image at the address URL, or that is in it (data:image/...); a list.
 * False: it is neither, and nothing is put. */
bool chat_parts_address(struct chat_parts *p, const char *url, size_t len);

/* CONTENT of a message or of a tool's result, as Anthropic has it: a string, or
 * blocks.  Only TEXTS, as the system says them: a block of another kind is a
 * fault, but for changes of tools.  False: a fault. */
bool chat_parts_put(struct chat_parts *p, struct json_object *content,
                    bool only_texts);

/* One of its blocks; P->block says which. */
bool chat_parts_put_block(struct chat_parts *p, struct json_object *block);

/* Only the images that the blocks of CONTENT hold, wherever; a list. */
bool chat_parts_put_images(struct chat_parts *p, struct json_object *content);

/* How many they are. */
size_t chat_parts_images(struct json_object *content);

/* Says that this block's type is not known here.  Always false. */
bool chat_parts_refuse(const struct chat_parts *p, struct json_object *block);

#endif
