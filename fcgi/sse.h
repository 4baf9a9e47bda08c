/*
 * Where in an event stream are we?  (WHATWG HTML, "Server-sent events".)
 */
#ifndef SLUICE_SSE_H
#define SLUICE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "gist.h"

/* What says that a stream is complete; by its route. */
enum sse_ends {
    ENDS_ANYHOW = 0,   /* nothing must: its connection may just end */
    ENDS_DONE = 1,     /* "data: [DONE]" */
    ENDS_RESPONSE = 2, /* the Responses API's last event, or an error */
};

struct sse {
    char line[32];  /* the beginning of the present line */
    size_t len;     /* bytes of the present line so far */
    bool cr;        /* the last byte was CR: a LF now belongs to it */
    bool inside;    /* of an event: a line of it was seen, no blank one yet */
    bool has_id;    /* an "id" field was seen */
    bool in_data;   /* of a "data" line */
    bool has_done;  /* "data: [DONE]" was seen */
    bool has_last;  /* an event was that nothing follows in the Responses API */
    bool has_error; /* an event was that tells of an error */
    struct gist gist; /* of the present event */
};

/* Returns how many bytes of DATA end with a complete event; 0: none does. */
size_t sse_scan(struct sse *s, const char *data, size_t len);

/* The stream is over: what there is of a last line counts as one. */
void sse_end(struct sse *s);

/* It said itself that it is complete, or why it is not. */
bool sse_has_ended(const struct sse *s, enum sse_ends ends);

/* Between two events: a comment may go here and changes nothing. */
bool sse_is_between(const struct sse *s);

#endif
