/*
 * A request, or the head of one, out of bytes that have come and are still where
 * they came.
 */
#ifndef SLUICE_GLANCE_H
#define SLUICE_GLANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct request;

/*
 * Reads the parameters out of the LEN bytes that have come over a connection;
 * hostile.  The request is the caller's; it has no body and no route.  NULL:
 * they are not all there, or look odd.
 */
struct request *glance_head(const unsigned char *bytes, size_t len,
                            int64_t now);
/* Adds the body of request ID in them to BODY.  False: its end is not there. */
bool glance_body(struct buf *body, uint16_t id, const unsigned char *bytes,
                 size_t len);

#endif
