/*
 * Calls of tools that come in pieces, each in its turn.
 */
#ifndef SLUICE_CALL_QUEUE_H
#define SLUICE_CALL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/chat_teller.h"

struct json_object;
struct call;

/* All zeros at the beginning. */
struct call_queue {
    struct call *calls; /* in the order of their first pieces */
    size_t n, cap;
    size_t turn; /* whose turn it is: those before are told */
    size_t held; /* bytes that wait */
};

void call_queue_fini(struct call_queue *q);

/* Takes the `tool_calls` of a chunk and tells TO what it can.  False: these are
 * too many, or too much waits; the answer cannot go on. */
bool call_queue_take(struct call_queue *q, struct json_object *calls,
                     const struct chat_teller *tell, void *to, struct buf *out);

/* A call has begun and has not come to its end: nothing else can be told. */
bool call_queue_is_open(const struct call_queue *q);

/* The answer is over: tells all that waits. */
void call_queue_end(struct call_queue *q, const struct chat_teller *tell,
                    void *to, struct buf *out);

#endif
