/*
 * utf8.c - where does a UTF-8 character end?
 *
 * RFC 3629: over-long forms, surrogates and what lies beyond U+10FFFF are not
 * characters; the second byte tells all three.
 */
#include "utf8.h"

#include <stdbool.h>

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
