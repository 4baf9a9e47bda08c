/*
 * The content of an answer, block by block: as the list of a whole message, or
 * as events.
 */
#ifndef SLUICE_ANSWER_BLOCKS_H
#define SLUICE_ANSWER_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/messages.h"
#include "fcgi/messages/think_tags.h"

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
    struct think_tags tags;
    int64_t said_m; /* what was said, in thousandths of a token */
};

/* What the model says; thinking in tags may be in it. */
void answer_blocks_words(struct answer_blocks *b, struct buf *out,
                         const char *text, size_t len);
/* What it thinks, told by itself: from here on tags are words. */
void answer_blocks_thought(struct answer_blocks *b, struct buf *out,
                           const char *text, size_t len);

/* A call begins; its input, JSON in any number of pieces; its end. */
void answer_blocks_call(struct answer_blocks *b, struct buf *out,
                        const struct buf *id, const struct buf *name);
void answer_blocks_input(struct answer_blocks *b, struct buf *out,
                         const char *json, size_t len);
void answer_blocks_close(struct answer_blocks *b, struct buf *out);

/* The content is over. */
void answer_blocks_end(struct answer_blocks *b, struct buf *out);

#endif
