/*
 * The head of an upstream's answer.
 */
#ifndef SLUICE_ANSWER_HEAD_H
#define SLUICE_ANSWER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upstream_header {
    char *name; /* lower case; the value lies behind it */
    const char *value;
};

#define UPSTREAM_HEADERS 64 /* of those kept (answer_head.c) */

/* The head of an answer: the status and those headers that go on.  All zeros,
 * but for a length of -1, it is clear: no memory is its own. */
struct upstream_head {
    int status;
    int64_t content_length; /* -1: not said, or chunked */
    bool chunked;
    char hops[96]; /* names that its Connection fields list, of its hop alone:
                    * ",close,x-a,"; what does not fit is not known */
    size_t n;
    struct upstream_header *headers; /* room for a multiple of 16 */
};

/* Takes a header field line without its end (RFC 9112, 5).  False: one that
 * must not be passed on: folded, without a name, or with a control character. */
bool head_take(struct upstream_head *h, const char *line, size_t len);
void head_clear(struct upstream_head *h);
/* *TO, which is clear, takes all of *FROM, which is clear then. */
void head_move(struct upstream_head *to, struct upstream_head *from);

/* An event stream that can be read: one without a content coding. */
bool head_is_events(const struct upstream_head *h);
/* Its type is JSON, or one that is written in it. */
bool head_is_json(const struct upstream_head *h);
/* Its type is a row of JSON texts, each of which means something alone. */
bool head_is_json_lines(const struct upstream_head *h);
/* Its body has a content coding, although none was asked for. */
bool head_is_encoded(const struct upstream_head *h);

/* The value of NAME, in lower case; NULL: not there, or not kept. */
const char *upstream_header(const struct upstream_head *h, const char *name);
/* The first NAME, which is there, has VALUE from now on. */
void head_replace(struct upstream_head *h, const char *name, const char *value);

#endif
