/*
 * Where in a text does something stand?
 *
 * Each piece of each stream is looked through for this, several times.  The C
 * library's memmem() goes byte by byte, and its memchr() takes a call for each
 * of the short texts that JSON is made of.  Here a block of sixteen bytes is
 * compared at once, in the compiler's own vectors: an instruction or two where
 * the machine has them, and right where it has none.
 */
#ifndef SLUICE_FIND_H
#define SLUICE_FIND_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FIND_BLOCK 16

/* Of what was compared: all bits of a byte are set where it holds. */
typedef unsigned char find_block __attribute__((vector_size(FIND_BLOCK)));
typedef uint64_t find_halves __attribute__((vector_size(FIND_BLOCK)));

static inline find_block find_is(const char *p, char c)
{
    find_block here;

    memcpy(&here, p, FIND_BLOCK);
    return (find_block)(here == (find_block){0} + (unsigned char)c);
}

/* Which byte is the first hit; FIND_BLOCK: none is. */
static inline size_t find_hit(find_block hits)
{
    find_halves h = (find_halves)hits;

    if (__builtin_expect((h[0] | h[1]) == 0, 0))
        return FIND_BLOCK;
    if (h[0] != 0)
        return (size_t)__builtin_ctzll(le64toh(h[0])) / 8;
    return 8 + (size_t)__builtin_ctzll(le64toh(h[1])) / 8;
}

/* The first byte from P on that is A or B; END: there is none. */
static inline const char *find_either(const char *p, const char *end, char a,
                                      char b)
{
    size_t at = FIND_BLOCK;

    for (; end - p >= FIND_BLOCK; p += FIND_BLOCK) {
        at = find_hit(find_is(p, a) | find_is(p, b));
        if (at < FIND_BLOCK)
            return p + at;
    }
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

/* The first TEXT, of LEN bytes and at least one, from P on; NULL: none. */
const char *find_text(const char *p, const char *end, const char *text,
                      size_t len);

/* The same of a text that is written out. */
#define FIND(p, end, literal) find_text(p, end, literal, sizeof(literal) - 1)

#endif
