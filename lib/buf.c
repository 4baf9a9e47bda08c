/*
 * buf.c - where do bytes wait?
 *
 * The caller bounds what it adds (bounds.h); running out of memory is the end
 * of the worker, which the web server replaces.
 */
#include "lib/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/digits.h"
#include "lib/utf8.h"

#define BUF_SMALL 512 /* first allocation */

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){NULL, 0, 0, 0};
}

char *buf_room(struct buf *b, size_t len)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_SMALL;

    CHECK(len < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
    if (b->start + b->len + len > b->cap && b->start > 0) {
        memmove(b->data, b->data + b->start, b->len);
        b->start = 0;
    }
    if (b->len + len > b->cap) {
        while (cap < b->len + len)
            cap *= 2;
        b->data = realloc(b->data, cap);
        CHECK(b->data != NULL);
        b->cap = cap;
    }
    return b->data + b->start + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(buf_room(b, len), data, len);
    b->len += len;
}

void buf_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_int(struct buf *b, int64_t value)
{
    char text[DIGITS_MAX] = "";

    buf_add(b, text, digits(text, value));
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    va_start(ap, fmt);
    vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

bool buf_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    size_t n = 1;

    while (n > 0 && (p += utf8_ascii(p, end)) < end) {
        n = utf8_len(p, end);
        p += n;
    }
    return n > 0;
}

void buf_json(struct buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    const unsigned char *end = p + strlen(text);

    buf_add(b, "\"", 1);
    while (p < end) {
        size_t n = utf8_len(p, end);

        if (n == 0) {
            buf_str(b, "\xef\xbf\xbd");
            n = 1;
        } else if (*p == '"' || *p == '\\') {
            buf_add(b, "\\", 1);
            buf_add(b, p, 1);
        } else if (utf8_unseen(p, n) != 0) {
            buf_fmt(b, "\\u%04x", utf8_unseen(p, n));
        } else {
            buf_add(b, p, n);
        }
        p += n;
    }
    buf_add(b, "\"", 1);
}

void buf_json_text(struct buf *b, const char *json)
{
    const unsigned char *p = (const unsigned char *)json;
    const unsigned char *end = p + strlen(json);

    while (p < end) {
        size_t n = utf8_len(p, end);

        n = n > 0 ? n : 1;
        if (*p >= 0x7f && utf8_unseen(p, n) != 0)
            buf_fmt(b, "\\u%04x", utf8_unseen(p, n));
        else
            buf_add(b, p, n);
        p += n;
    }
}

void buf_take(struct buf *b, size_t len)
{
    CHECK(len <= b->len);
    b->start += len;
    b->len -= len;
    if (b->len > 0)
        return;
    b->start = 0;
    if (b->cap > 16 * BUF_SMALL)
        buf_free(b); /* a burst is over: an idle stream keeps little */
}

void buf_fit(struct buf *b)
{
    char *p;

    if (b->len == 0) {
        buf_free(b);
        return;
    }
    if (b->start > 0)
        memmove(b->data, b->data + b->start, b->len);
    b->start = 0;
    p = realloc(b->data, b->len);
    CHECK(p != NULL);
    b->data = p;
    b->cap = b->len;
}
