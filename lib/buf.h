/*
 * Bytes in order: appended at the end, taken from the front.
 */
#ifndef SLUICE_BUF_H
#define SLUICE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;   /* NULL while empty and unused */
    size_t start; /* bytes already taken */
    size_t len;   /* bytes in it, from start */
    size_t cap;   /* bytes allocated */
};

void buf_free(struct buf *b); /* gives the memory back; b is empty again */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *text);
void buf_int(struct buf *b, int64_t value); /* in decimal */
void buf_fmt(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A JSON string with its quotes; invalid UTF-8 becomes U+FFFD, and what a
 * terminal obeys (utf8_unseen()) is escaped. */
void buf_json(struct buf *b, const char *text);
/* The same for a JSON text that somebody else has written, such as json-c,
 * which escapes no more than it must. */
void buf_json_text(struct buf *b, const char *json);
/* Is all of TEXT valid UTF-8 (RFC 3629)?  Not left to json-c: 0.18's own check
 * refuses valid text. */
bool buf_is_utf8(const char *text, size_t len);
/* Room for LEN more bytes; the caller writes them and then adds to len. */
char *buf_room(struct buf *b, size_t len);
void buf_take(struct buf *b, size_t len); /* drops LEN bytes of the front */
void buf_fit(struct buf *b); /* gives back what is allocated but unused */

/* NULL while there is nothing; to add even 0 to that is undefined. */
static inline const char *buf_head(const struct buf *b)
{
    return b->data == NULL ? NULL : b->data + b->start;
}

#endif
