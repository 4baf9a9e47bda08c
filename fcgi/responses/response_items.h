/*
 * The output of an answer, item by item: as the list of a whole response, and as
 * events.
 */
#ifndef SLUICE_RESPONSE_ITEMS_H
#define SLUICE_RESPONSE_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/responses/custom_input.h"
#include "fcgi/responses/responses.h"

enum response_output {
    OUTPUT_NONE = 0,
    OUTPUT_TEXT = 1,
    OUTPUT_REFUSAL = 2,
    OUTPUT_REASONING = 3,
    OUTPUT_FUNCTION = 4,
    OUTPUT_CUSTOM = 5,
};

/* All zeros at the beginning, but for the first two. */
struct response_items {
    const struct responses_told *told;
    bool is_stream;            /* events are told, too */
    enum response_output open; /* one at a time */
    size_t n;                  /* that have been begun */
    bool has_begun;            /* something was said */
    uint32_t number;           /* events so far */
    struct buf call;           /* of the open one: whose call it is */
    struct buf text;           /* and what it says, as it stands in JSON */
    struct custom_input input; /* of a custom one: where that comes from */
    struct buf output; /* all that are done, as a list without brackets */
};

void response_items_fini(struct response_items *r);

/* The rest is for a struct chat_teller. */
void response_items_words(void *items, struct buf *out, const char *text,
                          size_t len);
void response_items_refusal(void *items, struct buf *out, const char *text,
                            size_t len);
void response_items_thought(void *items, struct buf *out, const char *text,
                            size_t len);
void response_items_call(void *items, struct buf *out, const struct buf *id,
                         const struct buf *name);
void response_items_input(void *items, struct buf *out, const char *json,
                          size_t len);
void response_items_close(void *items, struct buf *out, bool is_cut);

/* All of it is kept for the last event. */
bool response_items_is_full(const void *items);

/* ---- events ----------------------------------------------------------------- */

/* Begins event NAME: its data, up to a comma; and ends it. */
void response_items_begin_event(struct response_items *r, const char *name,
                                struct buf *out);
void response_items_end_event(struct buf *out);

#endif
