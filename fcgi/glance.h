/*
 * The head of a request whose body still comes.
 */
#ifndef SLUICE_GLANCE_H
#define SLUICE_GLANCE_H

#include <stddef.h>
#include <stdint.h>

struct request;

/*
 * Reads the parameters out of the LEN bytes that have come over a connection;
 * hostile.  The request is the caller's; it has no body and no route.  NULL:
 * they are not all there, or look odd.
 */
struct request *glance_head(const unsigned char *bytes, size_t len,
                            int64_t now);

#endif
