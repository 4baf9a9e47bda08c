/*
 * text.c - a growing run of bytes.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_reserve(struct text *t, size_t more)
{
    size_t cap = t->cap == 0 ? 256 : t->cap;
    char *data;

    while (cap - t->len <= more)
        cap *= 2;
    if (cap == t->cap)
        return;
    data = realloc(t->data, cap);
    if (data == NULL)
        abort();
    t->data = data;
    t->cap = cap;
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

void text_add(struct text *t, const void *bytes, size_t len)
{
    text_reserve(t, len);
    if (len > 0)
        memcpy(t->data + t->len, bytes, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_str(struct text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_vfmt(struct text *t, const char *fmt, va_list ap)
{
    va_list again;
    int len;

    va_copy(again, ap);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0)
        abort();
    text_reserve(t, (size_t)len);
    vsnprintf(t->data + t->len, (size_t)len + 1, fmt, ap);
    t->len += (size_t)len;
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    text_vfmt(t, fmt, ap);
    va_end(ap);
}

void text_json(struct text *t, const char *s)
{
    const char *p;

    text_str(t, "\"");
    for (p = s; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            text_fmt(t, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            text_fmt(t, "\\u%04x", c);
        else
            text_add(t, p, 1);
    }
    text_str(t, "\"");
}

void text_hex(struct text *t, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < len; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};

        text_add(t, pair, sizeof(pair));
    }
}
