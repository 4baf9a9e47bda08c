/*
 * A stream of chat completions, told by another API.
 *
 *   init, head, event for each event's data, end (or fail), fini
 *
 * A chat completion that is whole goes the same way: chat_answer.h.
 */
#ifndef SLUICE_CHAT_STREAM_H
#define SLUICE_CHAT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/call_queue.h"
#include "fcgi/messages/chat_teller.h"
#include "fcgi/messages/text_tokens.h"
#include "fcgi/messages/think_tags.h"

struct json_object;

struct chat_stream {
    const struct chat_teller *tell;
    void *to;
    struct think_tags tags;
    struct answer_end end;
    struct text_tokens said;
    struct call_queue calls;
    struct buf late; /* words that came within a call */
    struct buf text; /* of the event that is read */
    bool has_head, has_done, is_over;
};

/* What an event was. */
enum chat_event {
    CHAT_PART = 0,   /* of the answer, or nothing of it: go on */
    CHAT_DONE = 1,   /* [DONE]: nothing of use follows */
    CHAT_ERROR = 2,  /* the upstream's own error.  It may quote a key, so it is
                        for the caller to tell: chat_stream_fail() */
    CHAT_BROKEN = 3, /* it cannot be understood, or is too much: fail */
};

/* TO is borrowed. */
void chat_stream_init(struct chat_stream *s, const struct chat_teller *tell,
                      void *to);
void chat_stream_fini(struct chat_stream *s);

/* Its head, once; an event or the end writes it if nobody did. */
void chat_stream_head(struct chat_stream *s, struct buf *out);

/* The DATA of the next event, LEN bytes.  It may also be a whole chat
 * completion: who was asked for a stream may not know how. */
enum chat_event chat_stream_event(struct chat_stream *s, const char *data,
                                  size_t len, struct buf *out);

/* The upstream's stream is over.  True: its answer is complete, and so is what
 * was told; false: that ends in an error. */
bool chat_stream_end(struct chat_stream *s, struct buf *out);

/* Ends with an error instead; nothing follows it. */
void chat_stream_fail(struct chat_stream *s, int status, const char *words,
                      struct buf *out);

/* ---- for chat_answer.c ------------------------------------------------------ */

/* All that MESSAGE, or a delta, says but for its calls. */
void chat_stream_said(struct chat_stream *s, struct json_object *message,
                      struct buf *out);

/* A call as it is told through S, which counts it: for call_queue.h. */
extern const struct chat_teller chat_stream_calls;

/* Tells what has waited, and the end. */
void chat_stream_finish(struct chat_stream *s, struct buf *out);

#endif
