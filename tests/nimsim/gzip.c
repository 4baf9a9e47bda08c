/*
 * gzip.c - how do bytes look in the gzip format (RFC 1952)?
 *
 * Stored blocks (RFC 1951, 3.2.4): a relay cannot tell them from compressed
 * ones, and nothing has to be compressed.
 */
#include "gzip.h"

#include "text.h"

#define BLOCK_MAX 65535

static uint32_t crc_add(uint32_t crc, const char *bytes, size_t len)
{
    size_t i;
    int bit;

    crc = ~crc;
    for (i = 0; i < len; i++) {
        crc ^= (unsigned char)bytes[i];
        for (bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1)));
    }
    return ~crc;
}

static void add_number(struct text *out, uint32_t n, int bytes)
{
    int i;

    for (i = 0; i < bytes; i++) {
        char c = (char)(n >> (8 * i) & 0xff);

        text_add(out, &c, 1);
    }
}

static void add_block(struct text *out, const char *bytes, size_t len, int last)
{
    add_number(out, (uint32_t)last, 1);
    add_number(out, (uint32_t)len, 2);
    add_number(out, ~(uint32_t)len, 2);
    text_add(out, bytes, len);
}

static void begin(struct gzip *g, struct text *out)
{
    if (!g->has_begun) /* no name, no time, Unix */
        text_add(out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
    g->has_begun = 1;
}

void gzip_add(struct gzip *g, const char *bytes, size_t len, struct text *out)
{
    size_t at, n;

    begin(g, out);
    for (at = 0; at < len; at += n) {
        n = len - at < BLOCK_MAX ? len - at : BLOCK_MAX;
        add_block(out, bytes + at, n, 0);
    }
    g->crc = crc_add(g->crc, bytes, len);
    g->len += (uint32_t)len;
}

void gzip_end(struct gzip *g, struct text *out)
{
    begin(g, out);
    add_block(out, "", 0, 1);
    add_number(out, g->crc, 4);
    add_number(out, g->len, 4);
}
