/*
 * sse.c - may a comment be put in here, and was the end seen?
 *
 * A comment line between two events is skipped by every parser, except where
 * an "id" was seen before: openai-python then dispatches an empty event.  So
 * has_id means: never again in this stream (relay.c).
 */
#include "sse.h"

#include <string.h>

static bool starts_with(const struct sse *s, const char *text)
{
    size_t n = strlen(text);

    return s->len >= n && memcmp(s->line, text, n) == 0;
}

static void end_line(struct sse *s)
{
    if (s->len == 0) {
        s->inside = false;
        return;
    }
    s->inside = true;
    if (starts_with(s, "id:") || (s->len == 2 && starts_with(s, "id")))
        s->has_id = true;
    if (starts_with(s, "data: [DONE]") || starts_with(s, "data:[DONE]"))
        s->has_done = true;
    s->len = 0;
}

size_t sse_scan(struct sse *s, const char *data, size_t len)
{
    const char *p = data, *end = data + len;
    size_t complete = 0;

    for (; p < end; p++) {
        bool ends_line = *p == '\r' || (*p == '\n' && !s->cr);

        if (ends_line) {
            end_line(s);
        } else if (*p != '\n') {
            if (s->len < sizeof(s->line))
                s->line[s->len] = *p;
            s->len++;
        }
        s->cr = *p == '\r';
        if (*p == '\n' || *p == '\r')
            complete = sse_is_between(s) ? (size_t)(p + 1 - data) : complete;
    }
    return complete;
}

void sse_end(struct sse *s)
{
    if (s->len > 0)
        end_line(s);
}

bool sse_is_between(const struct sse *s)
{
    return !s->inside && s->len == 0;
}
