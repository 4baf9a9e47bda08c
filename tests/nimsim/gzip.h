/*
 * Bytes in the gzip format, without compressing them.
 */
#ifndef NIMSIM_GZIP_H
#define NIMSIM_GZIP_H

#include <stddef.h>
#include <stdint.h>

struct text;

/* All zeros at the beginning. */
struct gzip {
    uint32_t crc; /* of all bytes so far */
    uint32_t len;
    int has_begun;
};

/* Adds LEN bytes, at most 65535 a block, to OUT; each call can be read as soon
 * as it is there. */
void gzip_add(struct gzip *g, const char *bytes, size_t len, struct text *out);
/* And the end. */
void gzip_end(struct gzip *g, struct text *out);

#endif
