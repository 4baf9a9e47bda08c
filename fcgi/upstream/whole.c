/*
 * whole.c - has a JSON text come to its end?
 *
 * Where only the end of its connection ends an answer, a cut one looks like
 * any other.  Brackets and quotes are counted and nothing is parsed: it may
 * have many megabytes, and be nested deeper than a parser would go.
 */
#include "fcgi/upstream/whole.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Past a text that we are in: most of an answer is one. */
static const char *skip_text(struct whole *w, const char *p, const char *end)
{
    if (w->is_escaped) {
        w->is_escaped = false;
        p++;
    }
    while (p < end && *p != '"' && *p != '\\')
        p++;
    if (p == end)
        return p;
    w->is_escaped = *p == '\\';
    w->in_text = w->is_escaped;
    return p + 1;
}

static void take_byte(struct whole *w, char c)
{
    switch (c) {
    case '"':
        w->in_text = true;
        break;
    case '{':
    case '[':
        w->is_nested = w->is_nested || !w->has_begun;
        w->depth++;
        break;
    case '}':
    case ']':
        w->depth -= w->depth > 0;
        break;
    }
    w->has_begun = w->has_begun || !is_space(c);
}

void whole_take(struct whole *w, const char *data, size_t len)
{
    const char *p = data, *end = data + len;

    while (p < end) {
        if (w->in_text)
            p = skip_text(w, p, end);
        else
            take_byte(w, *p++);
    }
}

bool whole_is_blank(const struct whole *w)
{
    return !w->has_begun;
}

bool whole_is_cut(const struct whole *w)
{
    return w->is_nested && (w->depth > 0 || w->in_text);
}
