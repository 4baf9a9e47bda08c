/*
 * sse_event.c - what is an event of a stream: a part, the end, an error?
 *
 *   {"error":{...}}               an error: what SDKs throw at, on every path
 *   {"type":"error",...}          an error of the Responses API, its last event
 *   {"type":"response.failed"}    the same; also .completed and .incomplete,
 *                                 which are no errors
 *   {"type":"message_stop"}       Anthropic's last one
 *   event: error                  or one of those: what the data may leave out
 *   {"choices":[{"index":0,       a choice has ended: when all have, a stream
 *     "finish_reason":"stop"}]}   may do without [DONE]
 *
 * Only the outermost object counts, or a model could write an error into a
 * call of a tool.  An event may be cut anywhere, and may be longer than what is
 * held of one.
 */
#include "fcgi/upstream/sse_event.h"

#include <string.h>

#include "state/limiter.h"

/* Depths of the outermost object and of a choice. */
#define OUTERMOST 1
#define CHOICE    3

#define CHOICES_MAX 63 /* whose end is known; more is no use to anybody */

enum key {
    KEY_OTHER = 0,
    KEY_TYPE = 1,
    KEY_ERROR = 2,
    KEY_CHOICES = 3,
    KEY_INDEX = 4,  /* of a choice */
    KEY_REASON = 5, /* the same */
};

static bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

void sse_event_name(struct sse_event *g, const char *name, size_t len)
{
    static const struct {
        const char *name;
        bool is_error;
    } last[] = {{"response.completed", false},
                {"response.incomplete", false},
                {"message_stop", false},
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

static void found_error(struct sse_event *g)
{
    g->is_error = g->is_last = true;
}

/* A text of the outermost object is over. */
static void end_text(struct sse_event *g)
{
    enum key key = KEY_OTHER;

    if (!g->in_value && is(g->word, g->len, "type"))
        key = KEY_TYPE;
    else if (!g->in_value && is(g->word, g->len, "error"))
        key = KEY_ERROR;
    else if (!g->in_value && is(g->word, g->len, "choices"))
        key = KEY_CHOICES;
    else if (g->key == KEY_TYPE)
        sse_event_name(g, g->word, g->len);
    else if (g->key == KEY_ERROR && g->len > 0)
        found_error(g);
    g->key = key;
}

/* ---- choices ------------------------------------------------------------------- */

static bool is_in_choice(const struct sse_event *g)
{
    return g->in_choices && g->depth == CHOICE;
}

static void begin_choice(struct sse_event *g)
{
    g->index = 0;
    g->has_reason = g->in_its_value = false;
    g->key = KEY_OTHER;
}

static void end_choice(struct sse_event *g)
{
    uint64_t bit = (uint64_t)1
                   << (g->index < CHOICES_MAX ? g->index : CHOICES_MAX);

    g->choices |= bit;
    if (g->has_reason && g->index < CHOICES_MAX)
        g->finished |= bit;
    g->key = KEY_OTHER;
}

/* A text of a choice is over. */
static void end_choice_text(struct sse_event *g)
{
    if (g->in_its_value)
        g->has_reason = g->has_reason || (g->key == KEY_REASON && g->len > 0);
    else if (is(g->word, g->len, "index"))
        g->key = KEY_INDEX;
    else
        g->key = is(g->word, g->len, "finish_reason") ? KEY_REASON : KEY_OTHER;
}

/* A byte of a choice that is no text, bracket or comma. */
static void take_choice_byte(struct sse_event *g, char c)
{
    if (c == ':')
        g->in_its_value = true;
    else if (g->key == KEY_INDEX && g->in_its_value && c >= '0' && c <= '9' &&
             g->index < CHOICES_MAX)
        g->index = g->index * 10 + (uint64_t)(c - '0');
}

/* ---- texts and values ---------------------------------------------------------- */

static void keep(struct sse_event *g, const char *text, size_t len)
{
    size_t room = g->len < sizeof(g->word) ? sizeof(g->word) - g->len : 0;

    memcpy(g->word + sizeof(g->word) - room, text, len < room ? len : room);
    g->len += len;
}

/* Within a text: up to its end or to END.  Most of a stream is text. */
static const char *take_text(struct sse_event *g, const char *p,
                             const char *end)
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
    if (g->depth == OUTERMOST)
        end_text(g);
    else if (is_in_choice(g))
        end_choice_text(g);
    return p + 1;
}

/* The first byte of a value that is no text.  Nothing, false and zero are no
 * error to the SDKs either. */
static void begin_value(struct sse_event *g, char c)
{
    if (g->depth != OUTERMOST || !g->in_value)
        return;
    if (g->key == KEY_ERROR && c != 'n' && c != 'f' && c != '0')
        found_error(g);
    g->in_choices = g->key == KEY_CHOICES && c == '[';
    g->key = KEY_OTHER;
}

static void take_byte(struct sse_event *g, char c)
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
        if (is_in_choice(g) && c == '{')
            begin_choice(g);
        break;
    case '}':
    case ']':
        if (is_in_choice(g) && c == '}')
            end_choice(g);
        g->in_choices = g->in_choices && g->depth > CHOICE - 1;
        g->is_whole = g->depth == OUTERMOST;
        g->depth -= g->depth > 0;
        break;
    case ':':
        g->in_value = g->in_value || g->depth == OUTERMOST;
        if (is_in_choice(g))
            take_choice_byte(g, c);
        break;
    case ',':
        g->in_value = g->in_value && g->depth != OUTERMOST;
        g->in_its_value = g->in_its_value && !is_in_choice(g);
        break;
    case ' ':
    case '\t':
        break;
    default:
        begin_value(g, c);
        if (is_in_choice(g))
            take_choice_byte(g, c);
    }
}

void sse_event_bytes(struct sse_event *g, const char *data, size_t len)
{
    const char *p = data, *end = data + len;

    while (p < end) {
        if (g->in_text)
            p = take_text(g, p, end);
        else
            take_byte(g, *p++);
    }
}
