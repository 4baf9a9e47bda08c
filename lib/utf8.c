/*
 * utf8.c - where does a UTF-8 character end, and can it be seen?
 *
 * RFC 3629: over-long forms, surrogates and what lies beyond U+10FFFF are not
 * characters; the second byte tells all three.
 */
#include "lib/utf8.h"

#include <stdbool.h>

#include "lib/eight.h"

static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0;
    case 0xed:
        return second <= 0x9f;
    case 0xf0:
        return second >= 0x90;
    case 0xf4:
        return second <= 0x8f;
    default:
        return true;
    }
}

size_t utf8_len(const unsigned char *p, const unsigned char *end)
{
    size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4, i;

    if (len == 1)
        return 1;
    if (*p < 0xc2 || *p > 0xf4 || len > (size_t)(end - p) ||
        !second_fits(p[0], p[1]))
        return 0;
    for (i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

size_t utf8_ascii(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *from = p;

    while (end - p >= 8 && (eight_at(p) & EIGHT_HIGH) == 0)
        p += 8;
    while (p < end && *p < 0x80)
        p++;
    return (size_t)(p - from);
}

/* C0, DEL and C1; what ends a line (U+2028, U+2029); marks, embeddings and
 * isolates of writing from right to left (Unicode TR 9, TR 36). */
static bool is_unseen(unsigned c)
{
    return (c > 0 && c < 0x20) || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
           c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

unsigned utf8_unseen(const unsigned char *p, size_t len)
{
    unsigned c = p[0];

    if (len == 2)
        c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    else if (len == 3)
        c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return len <= 3 && is_unseen(c) ? c : 0;
}
