/* For the tests of fcgi/messages/: JSON that can be read, and what came of it. */
#ifndef SLUICE_MESSAGES_LAB_H
#define SLUICE_MESSAGES_LAB_H

#include <stdio.h>
#include <string.h>

#include "fcgi/messages/messages.h"
#include "lib/buf.h"
#include "unit.h"

/* TEXT with " for each ', a zero behind it; to be freed. */
static inline struct buf lab_json(const char *text)
{
    struct buf b = {NULL, 0, 0, 0};
    size_t i;

    buf_str(&b, text);
    for (i = 0; i < b.len; i++)
        if (b.data[i] == '\'')
            b.data[i] = '"';
    buf_add(&b, "", 1);
    b.len--;
    return b;
}

/* HAVE, without a zero so far, is WANT, or has it in it; both with '. */
static inline void lab_holds(struct buf *have, const char *want, bool is_all)
{
    struct buf w = lab_json(want);
    bool fits;

    buf_add(have, "", 1);
    have->len--;
    fits = is_all ? strcmp(buf_head(have), buf_head(&w)) == 0
                  : strstr(buf_head(have), buf_head(&w)) != NULL;
    if (!fits)
        printf("\n    have %s\n    want %s\n", buf_head(have), buf_head(&w));
    CU_ASSERT_TRUE(fits);
    buf_free(&w);
}

/* As fcgi/thinking_ask.c has it: CHAT, a whole request, says in these WAYS whether
 * to think. */
static inline void lab_think(struct buf *chat, enum messages_thinks thinks,
                             const char *effort, unsigned ways)
{
    chat->len--;
    messages_thinking(thinks, effort, ways, chat);
    buf_str(chat, "}");
}

#endif
