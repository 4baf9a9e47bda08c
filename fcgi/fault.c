/*
 * fault.c - why is a request refused before anything is done with it?
 */
#include "fcgi/fault.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "fcgi/config/bounds.h"

void fault_set(struct fault *f, enum error_code code, const char *fmt, ...)
{
    va_list ap;

    if (f->status != 0)
        return; /* the first one is the one to tell */
    f->status = error_rows[code].status;
    f->code = code;
    va_start(ap, fmt);
    vsnprintf(f->message, sizeof(f->message), fmt, ap);
    va_end(ap);
}

void fault_bad(struct fault *f, const char *fmt, ...)
{
    char text[sizeof(f->message)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fault_set(f, ERROR_BAD_REQUEST, "%s", text);
}

void fault_too_large(struct fault *f, int64_t max)
{
    fault_set(f, ERROR_TOO_LARGE,
              "The body is larger than %zu MB (max_body_mb).",
              (size_t)max / MIB);
}
