/*
 * prompt_bytes.c - how many bytes of a request are text for its model?
 *
 * Pictures, sound and files come in base64, in as many shapes as there are
 * APIs (data: URLs, input_audio, Anthropic's sources).  All of them are one row
 * of its characters, longer than any that stands in a text: so they are known
 * by that, whatever their keys.  Whoever writes a text without a space to be
 * counted for less gains little: what it took in truth is told afterwards.
 */
#include "fcgi/prompt_bytes.h"

#include <stdbool.h>

#include "lib/base.h"

/* A longer word is none: a hash, a key, a line of a PEM are below it. */
#define WORD_MAX 1024

/* A bit for each character of base64, plain or for URLs (RFC 4648, 4 and 5):
 * + - / 0-9 =, and A-Z _ a-z.  Each byte of each body is asked. */
static const uint64_t letters[4] = {UINT64_C(0x23ffa80000000000),
                                    UINT64_C(0x07fffffe87fffffe), 0, 0};

static inline bool is_base64(unsigned char c)
{
    return (letters[c >> 6] >> (c & 63) & 1) != 0;
}

uint64_t prompt_bytes(const char *body, size_t len)
{
    const char *p = body, *end = body + len, *from;
    uint64_t n = 0;

    while (p < end) {
        for (from = p; p < end && is_base64((unsigned char)*p);)
            p++;
        n += p - from > WORD_MAX
                 ? (uint64_t)min_i64(p - from, PROMPT_FILE_BYTES)
                 : (uint64_t)(p - from);
        n += p < end;
        p += p < end;
    }
    return n;
}
