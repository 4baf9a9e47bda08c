/*
 * json_plain.c - is this JSON beyond doubt?
 *
 *   a value --> string, number, word
 *           --> [ or {, noted in a word of bits, a bit for each that is open
 *   behind it --> , or the bracket that fits the last bit
 *
 * One look at each byte, and nothing is kept: a tree of json-c's is some dozen
 * allocations for the smallest request, and some times the size of a large one.
 * Who doubts asks json-c (json_strict.h), which also has the words for what is
 * wrong.
 */
#include "lib/json_plain.h"

#include <stdint.h>
#include <string.h>

#include "lib/buf.h"

#define DEPTH_MAX 64 /* bits of a word */
#define NUMBER_MAX                                                             \
    17 /* bytes: the digits that a double and 64 bits both hold */

struct scan {
    const char *p, *end;
    uint64_t objects; /* of what is open, innermost lowest: it is an object */
    unsigned depth;
    size_t values; /* so many more may come */
};

static void skip_space(struct scan *s)
{
    while (s->p < s->end &&
           (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* Takes C, if it comes next. */
static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* ---- strings ----------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\u". */
static bool take_code(struct scan *s)
{
    int code = 0, i, digit;

    if (s->end - s->p < 4)
        return false;
    for (i = 0; i < 4; i++) {
        digit = digit_of(s->p[i]);
        if (digit == -1)
            return false;
        code = code * 16 + digit;
    }
    s->p += 4;
    return code != 0 && (code < 0xd800 || code > 0xdfff);
}

/* Behind a backslash. */
static bool take_escape(struct scan *s)
{
    char c = s->p < s->end ? *s->p++ : '\0';

    if (c == 'u')
        return take_code(s);
    return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
}

/* Behind its first quote.  What is above 0x7f is looked at by itself. */
static bool take_string(struct scan *s)
{
    while (s->p < s->end) {
        unsigned char c = (unsigned char)*s->p++;

        if (c == '"')
            return true;
        if (c < 0x20 || c == 0x7f || (c == '\\' && !take_escape(s)))
            return false;
    }
    return false;
}

/* ---- numbers, words ------------------------------------------------------------ */

static size_t take_digits(struct scan *s)
{
    const char *from = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

static bool take_number(struct scan *s)
{
    const char *from = s->p, *first;
    size_t n;

    (void)take(s, '-');
    first = s->p;
    n = take_digits(s);
    if (n == 0 || (n > 1 && *first == '0'))
        return false;
    if (take(s, '.') && take_digits(s) == 0)
        return false;
    return s->p - from <= NUMBER_MAX;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

/* ---- all of it ------------------------------------------------------------------ */

/* A key and its colon. */
static bool take_key(struct scan *s)
{
    skip_space(s);
    if (!take(s, '"') || !take_string(s))
        return false;
    skip_space(s);
    return take(s, ':');
}

static bool in_object(const struct scan *s)
{
    return s->depth > 0 && (s->objects & 1) != 0;
}

/* A bracket comes next.  *IS_EMPTY: so does its counterpart, and it is over. */
static bool open(struct scan *s, bool *is_empty)
{
    bool is_object = *s->p++ == '{';

    skip_space(s);
    *is_empty = take(s, is_object ? '}' : ']');
    if (*is_empty)
        return true;
    if (s->depth++ == DEPTH_MAX)
        return false;
    s->objects = s->objects << 1 | is_object;
    return !is_object || take_key(s);
}

/* A value that has no others in it; or the beginning of one that has (*IS_OVER is
 * false then). */
static bool take_value(struct scan *s, bool *is_over)
{
    *is_over = true;
    skip_space(s);
    if (s->p == s->end || s->values-- == 0)
        return false;
    switch (*s->p) {
    case '{':
    case '[':
        return open(s, is_over);
    case '"':
        s->p++;
        return take_string(s);
    case 't':
        return take_word(s, "true");
    case 'f':
        return take_word(s, "false");
    case 'n':
        return take_word(s, "null");
    default:
        return take_number(s);
    }
}

/* Behind a value: closes what ends there, up to the next comma or the end of
 * all. */
static bool go_on(struct scan *s)
{
    while (s->depth > 0) {
        skip_space(s);
        if (take(s, ','))
            return !in_object(s) || take_key(s);
        if (!take(s, in_object(s) ? '}' : ']'))
            return false;
        s->objects >>= 1;
        s->depth--;
    }
    return true;
}

bool json_plain(const char *text, size_t len, size_t values)
{
    struct scan s = {text, text + len, 0, 0, values};
    bool is_over;

    do {
        if (!take_value(&s, &is_over) || (is_over && !go_on(&s)))
            return false;
    } while (s.depth > 0);
    skip_space(&s);
    return s.p == s.end && buf_is_utf8(text, len);
}
