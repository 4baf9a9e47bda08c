/*
 * Where in an event stream are we?  (WHATWG HTML, "Server-sent events".)
 */
#ifndef SLUICE_SSE_H
#define SLUICE_SSE_H

#include <stdbool.h>
#include <stddef.h>

struct sse {
    char line[16]; /* the beginning of the present line */
    size_t len;    /* bytes of the present line so far */
    bool cr;       /* the last byte was CR: a LF now belongs to it */
    bool inside;   /* of an event: a line of it was seen, no blank one yet */
    bool has_id;   /* an "id" field was seen */
    bool has_done; /* "data: [DONE]" was seen */
};

/* Returns how many bytes of DATA end with a complete event; 0: none does. */
size_t sse_scan(struct sse *s, const char *data, size_t len);

/* The stream is over: what there is of a last line counts as one. */
void sse_end(struct sse *s);

/* Between two events: a comment may go here and changes nothing. */
bool sse_is_between(const struct sse *s);

#endif
