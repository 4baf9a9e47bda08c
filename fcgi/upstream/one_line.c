/*
 * one_line.c - how do a stranger's words become one line that harms nobody?
 */
#include "fcgi/upstream/one_line.h"

#include <stdbool.h>
#include <string.h>

#include "lib/buf.h"

/* How many bytes the character at P has, of LEFT; 0: it is none. */
static size_t character(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    return n <= left && buf_is_utf8(p, n) ? n : 0;
}

/* White space, C0 and C1: what would break a line or a terminal. */
static bool is_blank(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;

    if (n == 1)
        return c <= 0x20 || c == 0x7f;
    return n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0;
}

void one_line_add(char *dst, size_t size, const char *text, size_t len)
{
    static const char odd[] = "\xef\xbf\xbd", more[] = "...";
    size_t at = strlen(dst), i = 0;
    bool space = false;

    while (i < len) {
        size_t n = character(text + i, len - i);
        const char *from = n == 0 ? odd : text + i;
        size_t bytes = n == 0 ? 3 : n;

        i += n == 0 ? 1 : n;
        if (n > 0 && is_blank(from, n)) {
            space = at > 0;
            continue;
        }
        if (at + space + bytes + sizeof(more) > size) {
            memcpy(dst + at, more, sizeof(more));
            return;
        }
        if (space)
            dst[at++] = ' ';
        memcpy(dst + at, from, bytes);
        at += bytes;
        space = false;
    }
    dst[at] = '\0';
}
