/*
 * Has an event stream begun to answer?
 */
#ifndef SLUICE_STREAM_START_H
#define SLUICE_STREAM_START_H

#include <stdbool.h>
#include <stddef.h>

/*
 * BYTES are the first of a 200 event stream, LEN at most WORDS_BYTES.  Returns
 * the length up to the end of the first complete event that is more than a
 * preamble (a role without content, "response.created"): with it no error can
 * take the whole answer back.  0: there is none yet.  An event that is not
 * understood counts as an answer.
 *
 * FROM of them, which end with an event, were read before.
 */
size_t stream_start_len(const char *bytes, size_t from, size_t len);

#endif
