/*
 * complaint.c - what is wrong, in one line that a terminal can show?
 */
#include "lib/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/utf8.h"

/* Names come from outside, too: '?' for every byte that a terminal obeys. */
static void make_seen(unsigned char *p)
{
    const unsigned char *end = p + strlen((char *)p);
    size_t n;

    for (; p < end; p += n) {
        n = utf8_len(p, end);
        if (n == 0 || utf8_unseen(p, n) != 0)
            memset(p, '?', n = n > 0 ? n : 1);
    }
}

int complain(struct complaint *c, const char *fmt, ...)
{
    va_list ap;

    if (c->max == 0)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(c->text, c->max, fmt, ap);
    va_end(ap);
    make_seen((unsigned char *)c->text);
    return -1;
}
