/*
 * How many tokens does an answer say that it took?
 */
#ifndef SLUICE_USAGE_H
#define SLUICE_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct usage {
    int64_t prompt, completion; /* -1: not told so far */
    struct buf kept; /* an unfinished end of what was seen, <= USAGE_BYTES */
};

void usage_init(struct usage *u);
void usage_fini(struct usage *u);

/* The next LEN bytes of the answer, wherever they are cut. */
void usage_look(struct usage *u, const char *data, size_t len);

#endif
