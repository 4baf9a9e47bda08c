/*
 * A stream of chat completions as one of Messages.
 *
 *   init, head, event for each event's data, end (or fail), fini
 *
 * A ping may stand anywhere.  Whatever is appended to OUT is whole events.
 */
#ifndef SLUICE_MESSAGES_STREAM_H
#define SLUICE_MESSAGES_STREAM_H

#include "fcgi/messages/answer_blocks.h"
#include "fcgi/messages/chat_stream.h"
#include "fcgi/messages/messages.h"

struct messages_stream {
    struct chat_stream chat;
    struct messages_told told;
    struct answer_blocks blocks;
};

/* TOLD is copied, what it points to must live on; *S must stay where it is.  The
 * rest is done with s->chat, as with any. */
void messages_stream_init(struct messages_stream *s,
                          const struct messages_told *told);

/* A sign of life. */
void messages_stream_ping(struct buf *out);

#endif
