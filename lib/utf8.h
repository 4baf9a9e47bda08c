/* Where does a UTF-8 character end, and can it be seen? */
#ifndef SLUICE_UTF8_H
#define SLUICE_UTF8_H

#include <stddef.h>

/* Bytes of the character at P, which lies before END: 1 to 4, or 0 where the
 * bytes up to END do not begin with valid UTF-8 (RFC 3629). */
size_t utf8_len(const unsigned char *p, const unsigned char *end);

/* How many bytes from P on, none behind END, are ASCII: most of any text, so they
 * are looked at eight at a time. */
size_t utf8_ascii(const unsigned char *p, const unsigned char *end);

/* Is the character at P, of LEN valid bytes, one that a terminal obeys or that
 * turns the text around it?  Then its code point, which is below U+10000 and
 * never 0; else 0. */
unsigned utf8_unseen(const unsigned char *p, size_t len);

#endif
