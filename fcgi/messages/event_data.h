/*
 * The data of each event of a stream that comes in pieces.
 */
#ifndef SLUICE_EVENT_DATA_H
#define SLUICE_EVENT_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

/* All zeros at the stream's beginning. */
struct event_data {
    struct buf data; /* of the present event; its lines, with LF between */
    bool is_told;    /* to the caller: the next byte begins another */
    bool is_long;    /* an event was longer than CHAT_EVENT_MAX: no more are
                        told */
    bool has_data;   /* the present event has a line of it */
    bool in_data;    /* in such a line */
    bool cr;         /* the last byte was CR: a LF now belongs to it */
    size_t at;       /* bytes of the present line so far, up to its sixth */
    size_t bom;      /* bytes of a byte order mark that were seen; 3: no more */
    char name[8];    /* the beginning of the line */
};

void event_data_fini(struct event_data *e);

/* Goes on from *P, up to END at most.  True: an event is complete, E->data is
 * what it says until the next call, and *P is behind it. */
bool event_data_next(struct event_data *e, const char **p, const char *end);

/* The stream is over: is there an event left that has no blank line? */
bool event_data_last(struct event_data *e);

#endif
