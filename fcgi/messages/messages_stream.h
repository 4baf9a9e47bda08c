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
#include "fcgi/messages/answer_end.h"
#include "fcgi/messages/call_queue.h"
#include "fcgi/messages/messages.h"

struct messages_stream {
    struct messages_told told;
    struct answer_blocks blocks;
    struct answer_end end;
    struct call_queue calls;
    struct buf late; /* words that came within a call */
    struct buf text; /* of the event that is read */
    bool has_head, has_done, is_over;
};

/* What an event was. */
enum messages_event {
    MESSAGES_PART = 0,   /* of the answer, or nothing of it: go on */
    MESSAGES_DONE = 1,   /* [DONE]: nothing of use follows */
    MESSAGES_ERROR = 2,  /* the upstream's own error.  It may quote a key, so
                            it is for the caller to tell: messages_stream_fail() */
    MESSAGES_BROKEN = 3, /* it cannot be understood, or is too much: fail */
};

/* TOLD is copied, what it points to must live on. */
void messages_stream_init(struct messages_stream *s,
                          const struct messages_told *told);
void messages_stream_fini(struct messages_stream *s);

/* message_start, once; an event or the end writes it if nobody did. */
void messages_stream_head(struct messages_stream *s, struct buf *out);

/* The DATA of the next event, LEN bytes.  It may also be a whole chat
 * completion: who was asked for a stream may not know how. */
enum messages_event messages_stream_event(struct messages_stream *s,
                                          const char *data, size_t len,
                                          struct buf *out);

/* The upstream's stream is over.  True: its answer is complete, and so is
 * ours.  False: it was cut; OUT gets an error event. */
bool messages_stream_end(struct messages_stream *s, struct buf *out);

/* An error of STATUS in the middle, in WORDS that anybody may see; nothing
 * follows it. */
void messages_stream_fail(struct messages_stream *s, int status,
                          const char *words, struct buf *out);

/* A sign of life. */
void messages_stream_ping(struct buf *out);

#endif
