/*
 * Has an event stream begun to answer?
 */
#ifndef SLUICE_OPENING_H
#define SLUICE_OPENING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * BYTES are the first of a 200 event stream, LEN at most WORDS_BYTES.  True
 * once a complete event in it is more than a preamble (a role without content,
 * "response.created"): from then on no error can take the whole answer back.
 * An event that is not understood counts as an answer.
 */
bool opening_has_content(const char *bytes, size_t len);

#endif
