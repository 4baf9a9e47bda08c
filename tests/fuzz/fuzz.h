/*
 * What the fuzz targets share.  A target is one file, fuzz_NAME.c, with this
 * function in it; the Makefile finds it by its name, and its seeds lie in
 * seeds/NAME/.
 *
 * What must hold is said with CHECK(): it aborts, which is a finding.
 */
#ifndef SLUICE_FUZZ_H
#define SLUICE_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Input that is taken from its front. */
struct input {
    const uint8_t *at;
    size_t left;
};

/* A copy with nothing but a zero behind it, so that ASan sees a read beyond:
 * free(3) it. */
static inline char *fuzz_copy(const void *data, size_t len)
{
    char *copy = malloc(len + 1);

    CHECK(copy != NULL);
    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

/* 0 when there is nothing left. */
static inline uint8_t take_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

/* N bytes, little end first. */
static inline uint64_t take_number(struct input *in, unsigned n)
{
    uint64_t v = 0;
    unsigned i;

    for (i = 0; i < n; i++)
        v |= (uint64_t)take_byte(in) << 8 * i;
    return v;
}

/* At most MAX bytes, zeroes where there are none; how many there were. */
static inline size_t take_bytes(struct input *in, void *out, size_t max)
{
    size_t n = in->left < max ? in->left : max;

    memset(out, 0, max);
    memcpy(out, in->at, n);
    in->at += n;
    in->left -= n;
    return n;
}

/* The next line, without its end, to be freed; NULL behind the last. */
static inline char *take_line(struct input *in, size_t *len)
{
    const uint8_t *end;
    char *line;

    if (in->left == 0)
        return NULL;
    end = memchr(in->at, '\n', in->left);
    *len = end != NULL ? (size_t)(end - in->at) : in->left;
    line = fuzz_copy(in->at, *len);
    in->at += *len;
    in->left -= *len;
    if (end != NULL)
        (void)take_byte(in);
    return line;
}

static inline bool fuzz_has_control(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    for (; *p != '\0'; p++)
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
            return true;
    return false;
}

#endif
