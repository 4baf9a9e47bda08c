/*
 * The path and query that were asked for.
 */
#ifndef SLUICE_TARGET_H
#define SLUICE_TARGET_H

struct fault;

/*
 * Reads URI, as the web server has it, or NULL: *TARGET is the path and query
 * for the upstream, *PATH the path decoded; both are the caller's to free, and
 * never NULL.  Mended is what a base URL written in another way leads to; what
 * is wrong is noted in FAULT, and *PATH is "/" then.
 */
void target_read(char **target, char **path, const char *uri,
                 struct fault *fault);

#endif
