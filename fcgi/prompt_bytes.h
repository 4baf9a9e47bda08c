/*
 * How many bytes of a request are text for its model?
 */
#ifndef SLUICE_PROMPT_BYTES_H
#define SLUICE_PROMPT_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* A file within a prompt counts as so many bytes at most: a picture is some
 * hundred to two thousand tokens, however large. */
#define PROMPT_FILE_BYTES 4096

/* Of the LEN bytes of a body in JSON; never more than LEN. */
uint64_t prompt_bytes(const char *body, size_t len);

#endif
