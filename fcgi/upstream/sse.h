/*
 * Where in an event stream are we?  (WHATWG HTML, "Server-sent events".)
 */
#ifndef SLUICE_SSE_H
#define SLUICE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/upstream/sse_event.h"

/* What says that a stream is complete; by its route.  Routes with an end of
 * their own are those whose streams are events, and nothing but events. */
enum sse_ends {
    ENDS_ANYHOW = 0,   /* nothing must: its connection may just end */
    ENDS_DONE = 1,     /* "data: [DONE]", or each choice has its reason */
    ENDS_RESPONSE = 2, /* the Responses API's last event, or an error */
    ENDS_MESSAGE = 3,  /* the last one of Anthropic's Messages API */
};

struct sse {
    size_t bom;      /* bytes of a byte order mark that were seen; 3: no more
                       can come */
    char line[32];   /* the beginning of the present line */
    size_t len;      /* bytes of the present line so far */
    bool cr;         /* the last byte was CR: a LF now belongs to it */
    bool inside;     /* of an event: a line of it was seen, no blank one yet */
    bool in_data;    /* of a "data" line */
    bool has_done;   /* "data: [DONE]" was seen */
    bool has_last;   /* an event was that nothing follows in the Responses API
                       or Anthropic's */
    bool has_error;  /* an event was that tells of an error */
    uint32_t events; /* whole ones */
    uint64_t choices, finished; /* of all events; sse_event.h */
    struct sse_event gist;      /* of the present event */
};

/* Returns how many bytes of DATA end with a complete event; 0: none does.  What
 * stands behind an error is not read any more. */
size_t sse_scan(struct sse *s, const char *data, size_t len);

/* The stream is over: what there is of a last line counts as one. */
void sse_end(struct sse *s);

/* The same, but with a blank line of ours behind it.  False: that would make
 * no event of what there is, because there is nothing, or half a text. */
bool sse_close(struct sse *s);

/* It said itself that it is complete, or why it is not.  [DONE] says so
 * everywhere: whoever wrote it has nothing more to say. */
bool sse_has_ended(const struct sse *s, enum sse_ends ends);

/* The same, and nothing of use can follow, not even a report of tokens. */
bool sse_is_over(const struct sse *s, enum sse_ends ends);

/* Between two events: a comment may go here and changes nothing. */
bool sse_is_between(const struct sse *s);

#endif
