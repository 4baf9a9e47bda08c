/*
 * find.c - where in a text does another one stand?
 *
 * It is looked for by its first and its last byte, which seldom stand at this
 * distance from each other: only there it is compared.
 */
#include "lib/find.h"

#include <stdbool.h>

/* Where, of the block's bytes, the text may begin. */
static inline find_block may_begin(const char *p, const char *text, size_t len)
{
    return find_is(p, text[0]) & find_is(p + len - 1, text[len - 1]);
}

static inline bool is_none(find_block hits)
{
    find_halves h = (find_halves)hits;

    return (h[0] | h[1]) == 0;
}

/* The last few places, in which no block would fit. */
static const char *find_last(const char *p, const char *stop, const char *text,
                             size_t len)
{
    for (; p < stop; p++)
        if (*p == text[0] && memcmp(p, text, len) == 0)
            return p;
    return NULL;
}

const char *find_text(const char *p, const char *end, const char *text,
                      size_t len)
{
    const char *stop; /* behind the last place where it could begin */
    size_t at;

    if (end - p < (ptrdiff_t)len)
        return NULL;
    stop = end - (len - 1);
    while (stop - p >= FIND_BLOCK) {
        /* Two blocks at a step as long as there is nothing. */
        while (stop - p >= (ptrdiff_t)2 * FIND_BLOCK &&
               is_none(may_begin(p, text, len) |
                       may_begin(p + FIND_BLOCK, text, len)))
            p += (ptrdiff_t)2 * FIND_BLOCK;
        if (stop - p < FIND_BLOCK)
            break;
        at = find_hit(may_begin(p, text, len));
        p += at;
        if (at < FIND_BLOCK && memcmp(p, text, len) == 0)
            return p;
        p += at < FIND_BLOCK; /* behind what only looked like it */
    }
    return find_last(p, stop, text, len);
}
