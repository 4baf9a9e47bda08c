/*
 * image_size.c - how many pixels has this image?
 *
 * Its first bytes say it; nothing is unpacked.  A JPEG has other things before,
 * a preview perhaps: what is not among HEAD_MAX bytes is not looked for.
 */
#include "fcgi/messages/image_size.h"

#include <string.h>

#define HEAD_MAX 4096

struct head {
    unsigned char b[HEAD_MAX];
    size_t len;
};

/* ---- base64 ----------------------------------------------------------------- */

/* -1: it ends here. */
static int bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void decode(struct head *h, const char *text, size_t len)
{
    uint32_t bits = 0;
    size_t i;

    h->len = 0;
    for (i = 0; i < len && bits_of(text[i]) >= 0 && h->len < HEAD_MAX; i++) {
        bits = bits << 6 | (uint32_t)bits_of(text[i]);
        if (i % 4 != 0)
            h->b[h->len++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
}

/* ---- formats ---------------------------------------------------------------- */

static bool begins(const struct head *h, size_t at, const char *bytes, size_t n)
{
    return h->len >= at + n && memcmp(h->b + at, bytes, n) == 0;
}

static uint32_t big(const unsigned char *p, size_t n)
{
    uint32_t v = 0;

    while (n-- > 0)
        v = v << 8 | *p++;
    return v;
}

static uint32_t little(const unsigned char *p, size_t n)
{
    uint32_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* A frame is a segment of its own: FF C0 to CF, but for three of them. */
static bool is_frame(unsigned char mark)
{
    return mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 &&
           mark != 0xcc;
}

static bool of_jpeg(const struct head *h, uint32_t *width, uint32_t *height)
{
    size_t at = 2;

    while (at + 9 <= h->len && h->b[at] == 0xff) {
        if (is_frame(h->b[at + 1])) {
            *height = big(h->b + at + 5, 2);
            *width = big(h->b + at + 7, 2);
            return true;
        }
        at += 2 + big(h->b + at + 2, 2);
    }
    return false;
}

static bool of_webp(const struct head *h, uint32_t *width, uint32_t *height)
{
    if (begins(h, 12, "VP8X", 4)) {
        *width = little(h->b + 24, 3) + 1;
        *height = little(h->b + 27, 3) + 1;
    } else if (begins(h, 12, "VP8L", 4)) {
        *width = (little(h->b + 21, 4) & 0x3fff) + 1;
        *height = (little(h->b + 21, 4) >> 14 & 0x3fff) + 1;
    } else if (begins(h, 12, "VP8 ", 4)) {
        *width = little(h->b + 26, 2) & 0x3fff;
        *height = little(h->b + 28, 2) & 0x3fff;
    } else {
        return false;
    }
    return true;
}

bool image_size(const char *base64, size_t len, uint32_t *width,
                uint32_t *height)
{
    struct head h;

    decode(&h, base64, len);
    if (begins(&h, 0, "\xff\xd8", 2))
        return of_jpeg(&h, width, height);
    if (h.len < 30)
        return false;
    if (begins(&h, 0, "\x89PNG\r\n\x1a\n", 8)) {
        *width = big(h.b + 16, 4);
        *height = big(h.b + 20, 4);
        return true;
    }
    if (begins(&h, 0, "GIF8", 4)) {
        *width = little(h.b + 6, 2);
        *height = little(h.b + 8, 2);
        return true;
    }
    return begins(&h, 0, "RIFF", 4) && begins(&h, 8, "WEBP", 4) &&
           of_webp(&h, width, height);
}
