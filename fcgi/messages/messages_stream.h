/*
 * A stream of chat completions as one of Messages.
 *
 *   init, head, event for each event's data, end (or fail), fini
 *
 * A ping may stand anywhere.  Whatever is appended to OUT is whole events.
 */
#ifndef SLUICE_MESSAGES_STREAM_H
#define SLUICE_MESSAGES_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/answer_blocks.h"
#include "fcgi/messages/chat_stream.h"
#include "fcgi/messages/messages.h"

struct messages_stream {
    struct chat_stream chat;
    struct messages_told told;
    struct answer_blocks blocks;
};

/* TOLD is copied, what it points to must live on; *S must stay where it is. */
void messages_stream_init(struct messages_stream *s,
                          const struct messages_told *told);

/* The rest is that of any chat stream. */
enum messages_event {
    MESSAGES_PART = CHAT_PART,
    MESSAGES_DONE = CHAT_DONE,
    MESSAGES_ERROR = CHAT_ERROR,
    MESSAGES_BROKEN = CHAT_BROKEN,
};

static inline void messages_stream_fini(struct messages_stream *s)
{
    chat_stream_fini(&s->chat);
}

static inline void messages_stream_head(struct messages_stream *s,
                                        struct buf *out)
{
    chat_stream_head(&s->chat, out);
}

static inline enum messages_event messages_stream_event(
    struct messages_stream *s, const char *data, size_t len, struct buf *out)
{
    return (enum messages_event)chat_stream_event(&s->chat, data, len, out);
}

static inline bool messages_stream_end(struct messages_stream *s,
                                       struct buf *out)
{
    return chat_stream_end(&s->chat, out);
}

static inline void messages_stream_fail(struct messages_stream *s, int status,
                                        const char *words, struct buf *out)
{
    chat_stream_fail(&s->chat, status, words, out);
}

/* A sign of life. */
void messages_stream_ping(struct buf *out);

#endif
