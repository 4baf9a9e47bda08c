/*
 * gist.c - what is an event of a stream: a part, the end, an error?
 *
 *   {"error":{...}}               an error: what SDKs throw at, on every path
 *   {"type":"error",...}          an error of the Responses API, its last event
 *   {"type":"response.failed"}    the same; also .completed and .incomplete,
 *                                 which are no errors
 *   event: error                  or one of those: what the data may leave out
 *
 * Only the outermost object counts, or a model could write an error into a
 * call of a tool.  An event may be cut anywhere, and may be longer than what is
 * held of one.
 */
#include "gist.h"

#include <string.h>

#include "../state/limiter.h"

enum key { KEY_OTHER = 0, KEY_TYPE = 1, KEY_ERROR = 2 };

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

void gist_name(struct gist *g, const char *name, size_t len)
{
    static const struct {
        const char *name;
        bool is_error;
    } last[] = {{"response.completed", false},
                {"response.incomplete", false},
                {"response.failed", true},
                {"error", true}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(last); i++) {
        if (!is(name, len, last[i].name))
            continue;
        g->is_last = true;
        g->is_error = g->is_error || last[i].is_error;
    }
}

static void found_error(struct gist *g)
{
    g->is_error = g->is_last = true;
}

/* A text of the outermost object is over. */
static void end_text(struct gist *g)
{
    enum key key = KEY_OTHER;

    if (!g->in_value && is(g->word, g->len, "type"))
        key = KEY_TYPE;
    else if (!g->in_value && is(g->word, g->len, "error"))
        key = KEY_ERROR;
    else if (g->key == KEY_TYPE)
        gist_name(g, g->word, g->len);
    else if (g->key == KEY_ERROR && g->len > 0)
        found_error(g);
    g->key = key;
}

static void keep(struct gist *g, const char *text, size_t len)
{
    size_t room = g->len < sizeof(g->word) ? sizeof(g->word) - g->len : 0;

    memcpy(g->word + sizeof(g->word) - room, text, len < room ? len : room);
    g->len += len;
}

/* Within a text: up to its end or to END.  Most of a stream is text. */
static const char *take_text(struct gist *g, const char *p, const char *end)
{
    const char *from = p;

    if (g->is_escaped)
        p++;
    while (p < end && *p != '"' && *p != '\\')
        p++;
    keep(g, from, (size_t)(p - from));
    g->is_escaped = p < end && *p == '\\';
    if (p == end)
        return p;
    if (g->is_escaped) {
        keep(g, p, 1);
        return p + 1;
    }
    g->in_text = false;
    if (g->depth == 1)
        end_text(g);
    return p + 1;
}

/* The first byte of a value that is no text.  Nothing, false and zero are no
 * error to the SDKs either. */
static void begin_value(struct gist *g, char c)
{
    if (g->depth != 1 || !g->in_value)
        return;
    if (g->key == KEY_ERROR && c != 'n' && c != 'f' && c != '0')
        found_error(g);
    g->key = KEY_OTHER;
}

static void take_byte(struct gist *g, char c)
{
    switch (c) {
    case '"':
        g->in_text = true;
        g->len = 0;
        break;
    case '{':
    case '[':
        begin_value(g, c);
        g->depth++;
        g->is_whole = false;
        break;
    case '}':
    case ']':
        g->is_whole = g->depth == 1;
        g->depth -= g->depth > 0;
        break;
    case ':':
        g->in_value = g->in_value || g->depth == 1;
        break;
    case ',':
        g->in_value = g->in_value && g->depth != 1;
        break;
    case ' ':
    case '\t':
        break;
    default:
        begin_value(g, c);
    }
}

void gist_bytes(struct gist *g, const char *data, size_t len)
{
    const char *p = data, *end = data + len;

    while (p < end) {
        if (g->in_text)
            p = take_text(g, p, end);
        else
            take_byte(g, *p++);
    }
}
