/*
 * usage_ask.c - what asks an upstream to say what a stream has taken?
 *
 *   nothing of it              {"stream_options":{"include_usage":true},...
 *   "stream_options": null     an object in its place
 *   "stream_options": {...}    a member before the others
 *   "include_usage": false     true in its place
 *
 * One place of the body is changed and nothing is written anew: all else goes
 * on byte for byte.  Only the outermost object counts; of a name that stands
 * there twice the last one does, as for most who read JSON.
 */
#include "fcgi/usage_ask.h"

#include <ctype.h>
#include <string.h>

#include "lib/buf.h"

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* Behind the text at P, which begins with its quote. */
static const char *skip_text(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p < end ? p + 1 : end;
}

/* Behind the value at P. */
static const char *skip_value(const char *p, const char *end)
{
    size_t depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = skip_text(p, end);
        } else if (depth == 0 && (*p == ',' || *p == '}' || *p == ']')) {
            return p;
        } else {
            depth += *p == '{' || *p == '[';
            depth -= *p == '}' || *p == ']';
            p++;
        }
        if (depth == 0 && p < end && (p[-1] == '}' || p[-1] == ']'))
            return p;
    }
    return end;
}

/* ---- members ----------------------------------------------------------------- */

static int digit_of(char c)
{
    if (!isxdigit((unsigned char)c))
        return -1;
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The character at *P, which it moves behind that; -1: none of ASCII.  No name
 * that is looked for has one that needs another escape than this. */
static int next_char(const char **p, const char *end)
{
    int n = 0, i;

    if (**p != '\\')
        return (unsigned char)*(*p)++;
    if (end - *p < 6 || (*p)[1] != 'u')
        return -1;
    for (i = 2; i < 6; i++) {
        int digit = digit_of((*p)[i]);

        if (digit < 0)
            return -1;
        n = n * 16 + digit;
    }
    *p += 6;
    return n < 0x80 ? n : -1;
}

/* Is the text between the quotes FROM and END the NAME? */
static bool is_name(const char *from, const char *end, const char *name)
{
    const char *p = from + 1;

    for (; p < end - 1 && *name != '\0'; name++)
        if (next_char(&p, end - 1) != *name)
            return false;
    return p == end - 1 && *name == '\0';
}

/* The value that NAME has in the object at P, the last of several; NULL: it has
 * none. */
static const char *member(const char *p, const char *end, const char *name)
{
    const char *found = NULL, *key;
    bool is_it;

    p = skip_space(p + 1, end);
    while (p < end && *p == '"') {
        key = p;
        p = skip_text(p, end);
        is_it = is_name(key, p, name);
        p = skip_space(p, end);
        p = skip_space(p < end ? p + 1 : end, end); /* the colon */
        if (is_it)
            found = p;
        p = skip_space(skip_value(p, end), end);
        if (p < end && *p == ',')
            p = skip_space(p + 1, end);
    }
    return found < end ? found : NULL;
}

static bool is_word(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);

    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

/* ---- the change ---------------------------------------------------------------- */

#define MEMBER  "\"include_usage\":true"
#define OBJECT  "{" MEMBER "}"
#define OPTIONS "\"stream_options\":" OBJECT

/* Behind the bracket of the object at P: FIRST before other members, or ALONE. */
static void insert(struct usage_ask *a, const char *body, const char *p,
                   const char *end, const char *first, const char *alone)
{
    const char *next = skip_space(p + 1, end);

    a->at = (size_t)(p + 1 - body);
    a->was = "";
    a->is = next < end && *next == '}' ? alone : first;
}

static bool replace(struct usage_ask *a, const char *body, const char *p,
                    const char *was, const char *is)
{
    a->at = (size_t)(p - body);
    a->was = was;
    a->is = is;
    return true;
}

bool usage_ask_find(struct usage_ask *a, const char *body, size_t len)
{
    const char *end = body + len, *p = skip_space(body, end), *options, *wish;

    *a = (struct usage_ask){.is = NULL};
    if (p == end || *p != '{')
        return false;
    options = member(p, end, "stream_options");
    if (options == NULL) {
        insert(a, body, p, end, OPTIONS ",", OPTIONS);
        return true;
    }
    if (is_word(options, end, "null"))
        return replace(a, body, options, "null", OBJECT);
    if (*options != '{')
        return false;
    wish = member(options, end, "include_usage");
    if (wish == NULL) {
        insert(a, body, options, end, MEMBER ",", MEMBER);
        return true;
    }
    if (is_word(wish, end, "false"))
        return replace(a, body, wish, "false", "true");
    if (is_word(wish, end, "null"))
        return replace(a, body, wish, "null", "true");
    return false;
}

/* TO in the place of FROM at AT of B. */
static void change(struct buf *b, size_t at, const char *from, const char *to)
{
    size_t n = strlen(from), m = strlen(to);
    char *p;

    if (m > n)
        (void)buf_room(b, m - n);
    p = b->data + b->start + at;
    memmove(p + m, p + n, b->len - at - n);
    while (*to != '\0')
        *p++ = *to++;
    b->len += m - n;
}

void usage_ask_put(const struct usage_ask *a, struct buf *body)
{
    if (a->is == NULL)
        return;
    change(body, a->at, a->was, a->is);
    buf_fit(body); /* a body may be large, and grows by doubling */
}

void usage_ask_take(const struct usage_ask *a, struct buf *body)
{
    if (a->is != NULL)
        change(body, a->at, a->is, a->was);
}
