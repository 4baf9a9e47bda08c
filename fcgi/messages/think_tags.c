/*
 * think_tags.c - which of these words are thinking?
 *
 *   <think>...</think> and then the answer
 *
 * Only at the very beginning, behind white space at most: a model may well
 * write about such tags later.  Without its end all of it is thinking.
 */
#include "fcgi/messages/think_tags.h"

#include <string.h>

enum place {
    PLACE_START = 0,
    PLACE_THINKING = 1,
    PLACE_TEXT = 2,
};

#define OPEN  "<think>"
#define CLOSE "</think>"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void give_held(struct think_tags *t, think_tags_fn *fn, void *arg)
{
    size_t len = t->len;

    t->len = 0;
    if (len > 0)
        fn(arg, t->at == PLACE_THINKING, t->held, len);
}

/* At the beginning: keeps C if it may belong to a tag.  False: it does not, and
 * none comes. */
static bool may_open(struct think_tags *t, char c)
{
    size_t blank = 0;

    while (blank < t->len && is_space(t->held[blank]))
        blank++;
    if (!(blank == t->len && is_space(c)) && OPEN[t->len - blank] != c)
        return false;
    if (t->len == sizeof(t->held))
        return false;
    t->held[t->len++] = c;
    if (t->len - blank == sizeof(OPEN) - 1) {
        t->at = PLACE_THINKING;
        t->len = 0;
    }
    return true;
}

static size_t take_start(struct think_tags *t, const char *text, size_t len,
                         think_tags_fn *fn, void *arg)
{
    size_t i;

    for (i = 0; i < len && t->at == PLACE_START; i++) {
        if (may_open(t, text[i]))
            continue;
        t->at = PLACE_TEXT;
        give_held(t, fn, arg);
        break;
    }
    if (t->at == PLACE_THINKING)
        fn(arg, true, "", 0); /* it has begun, whatever it holds */
    return i;
}

/* How many bytes from P to END could begin the closing tag. */
static size_t closing(const char *p, const char *end)
{
    size_t n = (size_t)(end - p), most = sizeof(CLOSE) - 1;

    n = n < most ? n : most;
    return memcmp(p, CLOSE, n) == 0 ? n : 0;
}

/* A tag that began in an earlier piece.  False: this one is used up. */
static bool take_held(struct think_tags *t, const char **p, const char *end,
                      think_tags_fn *fn, void *arg)
{
    while (t->len > 0 && t->len < sizeof(CLOSE) - 1 && *p < end) {
        if (**p != CLOSE[t->len]) {
            /* Only its first byte is a '<': what is held begins no other. */
            give_held(t, fn, arg);
            break;
        }
        t->held[t->len++] = *(*p)++;
    }
    if (t->len < sizeof(CLOSE) - 1)
        return t->len == 0;
    t->len = 0;
    t->at = PLACE_TEXT;
    return true;
}

static size_t take_thinking(struct think_tags *t, const char *text, size_t len,
                            think_tags_fn *fn, void *arg)
{
    const char *p = text, *end = text + len, *from;

    if (!take_held(t, &p, end, fn, arg) || t->at == PLACE_TEXT)
        return (size_t)(p - text);
    from = p;
    while (p < end && (p = memchr(p, '<', (size_t)(end - p))) != NULL &&
           closing(p, end) == 0)
        p++;
    p = p == NULL ? end : p;
    if (p > from)
        fn(arg, true, from, (size_t)(p - from));
    if (p == end)
        return len;
    t->len = closing(p, end);
    memcpy(t->held, p, t->len);
    p += t->len;
    if (t->len == sizeof(CLOSE) - 1) {
        t->len = 0;
        t->at = PLACE_TEXT;
    }
    return (size_t)(p - text);
}

void think_tags_take(struct think_tags *t, const char *text, size_t len,
                     think_tags_fn *fn, void *arg)
{
    size_t n = 0;

    if (t->at == PLACE_START)
        n = take_start(t, text, len, fn, arg);
    if (t->at == PLACE_THINKING && n < len)
        n += take_thinking(t, text + n, len - n, fn, arg);
    if (t->at == PLACE_TEXT && n < len)
        fn(arg, false, text + n, len - n);
}

void think_tags_end(struct think_tags *t, think_tags_fn *fn, void *arg)
{
    give_held(t, fn, arg);
}

void think_tags_off(struct think_tags *t, think_tags_fn *fn, void *arg)
{
    give_held(t, fn, arg);
    t->at = PLACE_TEXT;
}
