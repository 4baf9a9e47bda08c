/*
 * A growing run of bytes, for bodies in and out.  Running out of memory ends
 * the program: nimsim is a test tool and has nobody to save.
 */
#ifndef NIMSIM_TEXT_H
#define NIMSIM_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct text {
    char *data; /* NULL while empty; always followed by a NUL otherwise */
    size_t len;
    size_t cap;
};

void text_free(struct text *t);
void text_add(struct text *t, const void *bytes, size_t len);
void text_str(struct text *t, const char *s);
void text_fmt(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_vfmt(struct text *t, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Adds S as a JSON string, quotes included.  S is taken to be UTF-8. */
void text_json(struct text *t, const char *s);
void text_hex(struct text *t, const unsigned char *bytes, size_t len);

#endif
