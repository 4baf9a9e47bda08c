/*
 * The content of an answer, block by block: as the list of a whole message, or
 * as events.
 */
#ifndef SLUICE_ANSWER_BLOCKS_H
#define SLUICE_ANSWER_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/chat_teller.h"
#include "fcgi/messages/messages.h"

enum block_kind {
    BLOCK_NONE = 0,
    BLOCK_TEXT = 1,
    BLOCK_THINKING = 2,
    BLOCK_CALL = 3,
};

/* All zeros at the beginning, but for the first two. */
struct answer_blocks {
    const struct messages_told *told;
    bool is_stream;       /* events; else what stands between [ and ] */
    enum block_kind open; /* one at a time */
    size_t n;             /* that have been begun */
    bool has_begun;       /* something was said, shown or not */
};

/* What the model says, and thinks; in a struct chat_teller. */
void answer_blocks_words(void *blocks, struct buf *out, const char *text,
                         size_t len);
void answer_blocks_thought(void *blocks, struct buf *out, const char *text,
                           size_t len);

/* A call begins; its input, JSON in any number of pieces; its end. */
void answer_blocks_call(void *blocks, struct buf *out, const struct buf *id,
                        const struct buf *name);
void answer_blocks_input(void *blocks, struct buf *out, const char *json,
                         size_t len);

/* What is open comes to its end. */
void answer_blocks_close(void *blocks, struct buf *out, bool is_cut);

#endif
