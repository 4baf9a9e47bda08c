/*
 * The path and query that were asked for.
 */
#ifndef SLUICE_TARGET_H
#define SLUICE_TARGET_H

#include <stddef.h>

struct fault;

/*
 * Reads URI, as the web server has it, or NULL: *TARGET is the path and query
 * for the upstream, *PATH the path decoded; both are the caller's to free, and
 * never NULL.  Mended is what a base URL written in another way leads to; what
 * is wrong is noted in FAULT, and *PATH is "/" then.
 */
void target_read(char **target, char **path, const char *uri,
                 struct fault *fault);

/* The parameter NAME in the query of TARGET, decoded, into OUT, of MAX bytes.
 * 0: there is none; -1: it is too long, or no plain text. */
int target_query(const char *target, const char *name, char *out, size_t max);

#endif
