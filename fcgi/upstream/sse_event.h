/*
 * What is an event of a stream: a part of the answer, its end, an error?
 */
#ifndef SLUICE_SSE_EVENT_H
#define SLUICE_SSE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros at an event's beginning. */
struct sse_event {
    bool is_error; /* it says that the answer went wrong */
    bool is_last;  /* nothing of the answer follows it (Responses API) */
    bool is_whole; /* the JSON text that it carries was complete */

    /* where in that text we are */
    size_t depth;
    bool in_text, is_escaped;
    bool in_value; /* of the outermost object, not in a key */
    int key;       /* enum key of sse_event.c: whose value that is */
    char word[24]; /* the beginning of the present text */
    size_t len;    /* of that text */

    /* Choices that it speaks of, and those it gives a reason to end: a bit for
     * each by its index, the last one for all from there on, which never end. */
    uint64_t choices, finished;
    bool in_choices;   /* in the value of that member */
    uint64_t index;    /* of the present choice */
    bool has_reason;   /* that one */
    bool in_its_value; /* of the present choice, not in a key */
};

/* Its name, of an "event" line. */
void sse_event_name(struct sse_event *g, const char *name, size_t len);

/* The next bytes of its data. */
void sse_event_bytes(struct sse_event *g, const char *data, size_t len);

#endif
