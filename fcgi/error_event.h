/*
 * An error as the last event of a stream.
 */
#ifndef SLUICE_ERROR_EVENT_H
#define SLUICE_ERROR_EVENT_H

#include <stdint.h>

#include "fcgi/upstream/sse.h"
#include "lib/buf.h"

struct error_event {
    enum sse_ends ends; /* of which API */
    int status;         /* 400..599, which the client has not seen */
    const char *message, *type, *code; /* CODE "": none */
    const char *id, *model;            /* of the request */
    uint32_t number;                   /* events that came before it */
    int64_t now_s;                     /* seconds since 1970 */
};

/* Appends E as its API has it: one event, or two. */
void error_event_put(struct buf *b, const struct error_event *e);
/* The same as a whole answer of Anthropic's: one JSON text. */
void error_event_message(struct buf *b, const struct error_event *e);

#endif
