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

void sse_scan(struct sse *s, const char *data, size_t len)
{
    const char *p = data, *end = data + len;

    for (; p < end; p++) {
        if (*p == '\n' && s->cr) {
            s->cr = false;
            continue;
        }
        s->cr = *p == '\r';
        if (*p == '\n' || *p == '\r') {
            end_line(s);
            continue;
        }
        if (s->len < sizeof(s->line))
            s->line[s->len] = *p;
        s->len++;
    }
}

bool sse_is_between(const struct sse *s)
{
    return !s->inside && s->len == 0;
}
