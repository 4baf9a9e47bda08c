/* Numbers in decimal, without printf's cost: some dozen in every answer. */
#ifndef SLUICE_DIGITS_H
#define SLUICE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

#define DIGITS_MAX 24

/* Writes VALUE, without a zero at the end; returns its length. */
static inline size_t digits(char out[DIGITS_MAX], int64_t value)
{
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value, v;
    size_t len = value < 0 ? 2 : 1, at;

    for (v = rest; v >= 10; v /= 10)
        len++;
    for (at = len; at-- > (value < 0); rest /= 10)
        out[at] = (char)('0' + rest % 10);
    if (value < 0)
        out[0] = '-';
    return len;
}

#endif
