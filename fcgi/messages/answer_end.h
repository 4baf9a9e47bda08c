/*
 * Why an answer has ended, and what it took.
 */
#ifndef SLUICE_ANSWER_END_H
#define SLUICE_ANSWER_END_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/messages/messages.h"

struct json_object;

/* All zeros before anything is known. */
struct answer_end {
    bool has_reason; /* the upstream gave one */
    bool is_cut, is_refused;
    bool is_filtered; /* not by the model: a filter has ended it */
    bool has_calls;   /* of tools; the caller says so */
    struct buf stop;  /* the stop sequence that ended it; empty: none */
    bool has_usage;
    int64_t prompt, cached, completion; /* tokens, as the upstream counts */
    int64_t thought;                    /* of the completion */
    int64_t said_m; /* thousandths of a token that went by; the caller counts */
};

void answer_end_fini(struct answer_end *e);

/* Reads them from an answer or a chunk of it: from CHOICE what ended it, from
 * ROOT what it took.  Either may be NULL. */
void answer_end_read(struct answer_end *e, struct json_object *root,
                     struct json_object *choice);

/* "stop_reason":...,"stop_sequence":... */
void answer_end_write_reason(const struct answer_end *e,
                             const struct messages_told *told, struct buf *out);

/* "usage":{...} */
void answer_end_write_usage(const struct answer_end *e,
                            const struct messages_told *told, struct buf *out);

#endif
