/*
 * json_walk.c - where in a JSON text is what?
 *
 * A text that was parsed before is walked rightly, any other safely: no step
 * leaves it, and none looks at a byte twice more often than its depth.  Nothing
 * recurses.
 */
#include "lib/json_walk.h"

#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* A picture is a string of megabytes: memchr() is ten times as fast as a loop. */
const char *json_walk_string(const char *from, const char *end)
{
    const char *p = from + 1, *quote, *back;

    while (p < end) {
        quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL)
            return NULL;
        for (back = quote; back > p && back[-1] == '\\';)
            back--;
        p = quote + 1;
        if ((quote - back) % 2 == 0)
            return p;
    }
    return NULL;
}

/* Behind a number or a word. */
static const char *skip_plain(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && strchr(",:]}[{\" \t\r\n", *p) == NULL && *p != '\0')
        p++;
    return p > from ? p : NULL;
}

const char *json_walk_value(const char *from, const char *end)
{
    const char *p = from;
    size_t depth = 0;

    if (p >= end)
        return NULL;
    if (*p != '{' && *p != '[')
        return *p == '"' ? json_walk_string(p, end) : skip_plain(p, end);
    while (p < end) {
        if (*p == '"') {
            p = json_walk_string(p, end);
            if (p == NULL)
                return NULL;
            continue;
        }
        depth += *p == '{' || *p == '[';
        depth -= *p == '}' || *p == ']';
        p++;
        if (depth == 0)
            return p;
    }
    return NULL;
}

bool json_walk_into(struct json_walk *w, struct json_span text)
{
    const char *end = text.at + text.len, *p = skip_space(text.at, end);

    w->at = NULL;
    w->end = end;
    if (p == end || (*p != '{' && *p != '['))
        return false;
    w->is_object = *p == '{';
    w->at = p + 1;
    return true;
}

/* A key and its colon; the value is next.  NULL: it is none. */
static const char *take_key(const char *p, const char *end,
                            struct json_span *key)
{
    const char *from = p;

    if (p == end || *p != '"')
        return NULL;
    p = json_walk_string(p, end);
    if (p == NULL)
        return NULL;
    *key = (struct json_span){from + 1, (size_t)(p - from) - 2};
    p = skip_space(p, end);
    return p < end && *p == ':' ? skip_space(p + 1, end) : NULL;
}

bool json_walk_next(struct json_walk *w, struct json_item *out)
{
    const char *p, *value;

    memset(out, 0, sizeof(*out));
    if (w->at == NULL)
        return false;
    p = skip_space(w->at, w->end);
    w->at = NULL;
    if (p < w->end && *p == ',')
        p = skip_space(p + 1, w->end);
    if (p < w->end && (*p == '}' || *p == ']')) {
        w->at = p + 1;
        return false;
    }
    if (w->is_object)
        p = take_key(p, w->end, &out->key);
    value = p;
    p = value != NULL ? json_walk_value(value, w->end) : NULL;
    if (p == NULL)
        return false;
    out->value = (struct json_span){value, (size_t)(p - value)};
    w->at = p;
    return true;
}

/* ---- keys ------------------------------------------------------------------ */

/* The letter that four hexadecimal digits mean; 0: none that is plain. */
static char letter_of(const char *digits)
{
    unsigned code = 0;
    int i;

    for (i = 0; i < 4; i++) {
        const char *all = "0123456789abcdefABCDEF",
                   *at = strchr(all, digits[i]);

        if (digits[i] == '\0' || at == NULL)
            return '\0';
        code = code * 16 + (unsigned)(at - all < 16 ? at - all : at - all - 6);
    }
    return (char)(code < 0x80 ? code : 0);
}

bool json_walk_says(struct json_span key, const char *name)
{
    const char *p = key.at, *end;

    if (p == NULL)
        return false; /* what stands in an array has none */
    end = p + key.len;
    for (; p < end && *name != '\0'; name++) {
        char c = *p;

        if (c == '\\') {
            if (end - p < 6 || p[1] != 'u')
                return false;
            c = letter_of(p + 2);
            p += 5;
        }
        if (c != *name)
            return false;
        p++;
    }
    return p == end && *name == '\0';
}
