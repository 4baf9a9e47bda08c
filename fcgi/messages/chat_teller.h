/*
 * How an API tells what a model says: a table of functions, and what they write
 * to, TO.  Each appends to OUT.
 */
#ifndef SLUICE_CHAT_TELLER_H
#define SLUICE_CHAT_TELLER_H

#include <stdbool.h>
#include <stddef.h>

#include "fcgi/messages/answer_end.h"
#include "lib/buf.h"

struct chat_teller {
    void (*head)(void *to, struct buf *out); /* first of all */
    void (*words)(void *to, struct buf *out, const char *text, size_t len);
    void (*thought)(void *to, struct buf *out, const char *text, size_t len);
    void (*refusal)(void *to, struct buf *out, const char *text, size_t len);
    /* A call begins; its input, JSON in any number of pieces; its end, which
     * may be that of the answer alone (IS_CUT). */
    void (*call)(void *to, struct buf *out, const struct buf *id,
                 const struct buf *name);
    void (*input)(void *to, struct buf *out, const char *json, size_t len);
    void (*close)(void *to, struct buf *out, bool is_cut);
    /* Is it too much to be told?  NULL: never. */
    bool (*is_full)(const void *to);
    /* The answer is complete; or it is not, and these are the words for it. */
    void (*end)(void *to, struct buf *out, const struct answer_end *end);
    void (*fail)(void *to, struct buf *out, int status, const char *words);
};

#endif
