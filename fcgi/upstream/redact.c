/*
 * redact.c - which bytes of a text are secrets?
 *
 * An upstream that refuses a key likes to quote it: whole, cut to its
 * beginning, or as JSON, a URL or HTML would write it.  What is found is
 * overwritten in place, so that lengths, and the JSON around it, stay what
 * they were.
 *
 * Not found: what is cut to fewer than SECRET_PART characters (the usual
 * "nvapi-ab...yz"), an end or a middle alone, other cases and encodings
 * (base64, gzip).
 */
#include "fcgi/upstream/redact.h"

#include <string.h>

/* "nvapi-" or "sk-proj-" and some of what follows: less is no help to a
 * thief, and may be a word of the language. */
#define SECRET_PART 12

#define BACKSLASHES_MAX 8 /* JSON within JSON within JSON */

void secrets_add(struct secrets *s, const char *text, size_t least)
{
    size_t len = text != NULL ? strlen(text) : 0;

    if (len > 0 && len >= least && s->n < SECRETS_MAX)
        s->all[s->n++] = (struct secret){text, len};
}

/* ---- how a character may be written ------------------------------------------ */

static unsigned digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
}

/* Do the N digits at P, in BASE, say C? */
static bool says(const char *p, size_t n, unsigned base, char c)
{
    unsigned value = 0;

    for (; n > 0; n--, p++) {
        if (digit(*p) >= base)
            return false;
        value = value * base + digit(*p);
    }
    return value == (unsigned char)c;
}

/* \uXXXX, or a backslash before C itself. */
static size_t spells_json(const char *p, size_t left, char c)
{
    size_t n = 0;

    while (n < left && n < BACKSLASHES_MAX && p[n] == '\\')
        n++;
    if (left - n >= 5 && p[n] == 'u' && says(p + n + 1, 4, 16, c))
        return n + 5;
    if (c == '\\')
        return n > 1 ? 2 : 0;
    return n < left && p[n] == c && (c == '/' || c == '"') ? n + 1 : 0;
}

/* &#45; or &#x2d; */
static size_t spells_html(const char *p, size_t left, char c)
{
    bool hex = left > 3 && (p[2] | 0x20) == 'x';
    size_t from = hex ? 3 : 2, n = 0;

    if (left < 4 || p[1] != '#')
        return 0;
    while (from + n < left && n < 7 && digit(p[from + n]) < (hex ? 16 : 10))
        n++;
    return n > 0 && from + n < left && p[from + n] == ';' &&
                   says(p + from, n, hex ? 16 : 10, c)
               ? from + n + 1
               : 0;
}

/* How many of the LEFT bytes at P write C; 0: they write something else. */
static size_t spells(const char *p, size_t left, char c)
{
    size_t n = 0;

    if (*p == '\\')
        n = spells_json(p, left, c);
    else if (*p == '&')
        n = spells_html(p, left, c);
    else if (*p == '%' && left >= 3 && says(p + 1, 2, 16, c))
        n = 3;
    return n == 0 && *p == c ? 1 : n;
}

/* ---- looking ------------------------------------------------------------------ */

/* How many of the LEFT bytes at P are SECRET, or enough of its beginning. */
static size_t written_at(const struct secret *secret, const char *p,
                         size_t left)
{
    size_t part = secret->len < SECRET_PART ? secret->len : SECRET_PART;
    size_t at = 0, i, n;

    for (i = 0; i < secret->len && at < left; i++, at += n) {
        n = spells(p + at, left - at, secret->text[i]);
        if (n == 0)
            break;
    }
    return i >= part ? at : 0;
}

/* The same, taken as they are: a key may hold what begins an escape. */
static size_t plain_at(const struct secret *secret, const char *p, size_t left)
{
    size_t part = secret->len < SECRET_PART ? secret->len : SECRET_PART;
    size_t i = 0;

    while (i < secret->len && i < left && p[i] == secret->text[i])
        i++;
    return i >= part ? i : 0;
}

static size_t longest_at(const struct secrets *s, const char *p, size_t left)
{
    size_t longest = 0, i, n;

    for (i = 0; i < s->n; i++) {
        n = written_at(&s->all[i], p, left);
        longest = n > longest ? n : longest;
        n = plain_at(&s->all[i], p, left);
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* Most bytes of a text can begin none. */
static void note_beginnings(const struct secrets *s, bool begins[256])
{
    size_t i;

    memset(begins, 0, 256 * sizeof(begins[0]));
    for (i = 0; i < s->n; i++)
        begins[(unsigned char)s->all[i].text[0]] = true;
    begins['\\'] = begins['%'] = begins['&'] = true;
}

/* The next one at or behind *AT, and its length; 0: there is none. */
static size_t next(const struct secrets *s, const bool begins[256],
                   const char *text, size_t len, size_t *at)
{
    size_t n;

    for (; *at < len; ++*at) {
        if (!begins[(unsigned char)text[*at]])
            continue;
        n = longest_at(s, text + *at, len - *at);
        if (n > 0)
            return n;
    }
    return 0;
}

bool redact(const struct secrets *s, char *text, size_t len)
{
    bool begins[256], found = false;
    size_t at = 0, n;

    if (s->n == 0)
        return false;
    note_beginnings(s, begins);
    for (; (n = next(s, begins, text, len, &at)) > 0; at += n) {
        memset(text + at, '*', n);
        found = true;
    }
    return found;
}

bool redact_finds(const struct secrets *s, const char *text, size_t len)
{
    bool begins[256];
    size_t at = 0;

    if (s->n == 0)
        return false;
    note_beginnings(s, begins);
    return next(s, begins, text, len, &at) > 0;
}
