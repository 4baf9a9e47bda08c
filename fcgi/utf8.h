/* Where does a UTF-8 character end? */
#ifndef SLUICE_UTF8_H
#define SLUICE_UTF8_H

#include <stddef.h>

/* Bytes of the character at P, which lies before END: 1 to 4, or 0 where the
 * bytes up to END do not begin with valid UTF-8 (RFC 3629). */
size_t utf8_len(const unsigned char *p, const unsigned char *end);

#endif
