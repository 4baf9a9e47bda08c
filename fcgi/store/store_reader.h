/*
 * Replies out of bytes, bounded: what comes is another machine's.
 */
#ifndef SLUICE_STORE_READER_H
#define SLUICE_STORE_READER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#define STORE_REPLY_BYTES (2 * 1024 * 1024) /* of values turn.lua tells 1 MB */
#define STORE_REPLY_PARTS 16384 /* the longest answer has half of that */

/* In place; not to be copied while in use. */
struct store_reader {
    redisReader *r;
    redisReplyObjectFunctions fn;
    size_t bytes; /* of the reply that is under way, and behind it */
    size_t parts; /* of the reply that is under way */
};

/* -1: no memory. */
int store_reader_init(struct store_reader *x);
void store_reader_fini(struct store_reader *x);

/* NULL: fine; else what is wrong, and nothing more can be read. */
const char *store_reader_feed(struct store_reader *x, const void *data,
                              size_t len);
/* The next reply, for the caller to free with freeReplyObject(); NULL: it is not
 * there yet, or *WHY says what is wrong. */
redisReply *store_reader_next(struct store_reader *x, const char **why);

#endif
