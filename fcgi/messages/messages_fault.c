/*
 * messages_fault.c - how is somebody told what is wrong with his request?
 *
 * The first thing found is told.  Of what a client has written only the `type`
 * of a thing is quoted, and of that no more than a word.
 */
#include "fcgi/messages/messages_fault.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool messages_fault_set(struct messages_fault *f, int status, const char *fmt,
                        ...)
{
    va_list ap;

    if (f->status != 0)
        return false;
    f->status = status;
    f->type = messages_error_type(status);
    va_start(ap, fmt);
    (void)vsnprintf(f->words, sizeof(f->words), fmt, ap);
    va_end(ap);
    return false;
}

bool messages_fault_read(struct messages_fault *f, enum json_read is)
{
    if (is == JSON_READ_MANY)
        return messages_fault_set(f, 413,
                                  "The body holds more than %d JSON values.",
                                  JSON_VALUES_MAX);
    return messages_fault_set(f, 400, "The body is not a JSON object.");
}

static bool is_harmless(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

const char *messages_fault_type(struct json_object *o, char word[FAULT_WORD])
{
    size_t len, i;
    const char *text = json_read_text(o, "type", &len);

    for (i = 0; i < len && i < FAULT_WORD - 1 && is_harmless(text[i]); i++)
        word[i] = text[i];
    word[i] = '\0';
    return word;
}
