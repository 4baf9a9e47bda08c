/* Eight bytes of a text at once: what is asked of each is asked of all. */
#ifndef SLUICE_EIGHT_H
#define SLUICE_EIGHT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Eight times the same. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))
#define EIGHT_HIGH  EIGHT(0x80)

/* Those at P, the first of them lowest. */
static inline uint64_t eight_at(const unsigned char *p)
{
    uint64_t eight;

    memcpy(&eight, p, 8);
    return le64toh(eight);
}

/* Of ASCII alone: the high bit of each byte from C on, and of each that is C. */
static inline uint64_t eight_from(uint64_t eight, unsigned char c)
{
    return eight + EIGHT(0x80u - c);
}
static inline uint64_t eight_is(uint64_t eight, unsigned char c)
{
    return ~((eight ^ EIGHT(c)) + EIGHT(0x7f));
}

/* The high bits, side by side: the first byte's is the lowest. */
static inline uint64_t eight_bits(uint64_t eight)
{
    return (eight & EIGHT_HIGH) * UINT64_C(0x0002040810204081) >> 56;
}

#endif
