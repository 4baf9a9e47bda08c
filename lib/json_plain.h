/*
 * JSON that every reader takes for the same: what is plain may be walked
 * (json_walk.h) without a tree of it.
 */
#ifndef SLUICE_JSON_PLAIN_H
#define SLUICE_JSON_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is TEXT one JSON value (RFC 8259) in UTF-8 and nothing else, with white space
 * around it at the most?  False also of what is JSON, and read in several ways or
 * not by all: deep nesting, numbers that are long or have an exponent, halves of
 * surrogates, zeros in strings; and of more than VALUES values.
 */
bool json_plain(const char *text, size_t len, size_t values);

#endif
