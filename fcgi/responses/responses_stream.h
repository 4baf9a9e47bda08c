/*
 * A stream of chat completions as one of Responses.
 *
 *   init, what chat_stream.h has, fini
 *
 * Whatever is appended to OUT is whole events.
 */
#ifndef SLUICE_RESPONSES_STREAM_H
#define SLUICE_RESPONSES_STREAM_H

#include "fcgi/messages/chat_stream.h"
#include "fcgi/responses/response_items.h"
#include "fcgi/responses/responses.h"

struct responses_stream {
    struct chat_stream chat;
    struct responses_told told;
    struct response_items items;
};

/* TOLD is copied, what it points to must live on; *S must stay where it is. */
void responses_stream_init(struct responses_stream *s,
                           const struct responses_told *told);
void responses_stream_fini(struct responses_stream *s);

#endif
