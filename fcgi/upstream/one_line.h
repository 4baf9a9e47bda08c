/*
 * A stranger's words as one line of valid UTF-8, without control characters.
 */
#ifndef SLUICE_ONE_LINE_H
#define SLUICE_ONE_LINE_H

#include <stddef.h>

/*
 * Appends the LEN bytes of TEXT to the text in DST, which has SIZE bytes: runs
 * of blanks become one space, what is no UTF-8 U+FFFD, and what does not fit
 * "...".  Bytes behind TEXT are readable up to a zero.
 */
void one_line_add(char *dst, size_t size, const char *text, size_t len);

#endif
