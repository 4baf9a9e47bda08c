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

#include "lib/find.h"
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

static inline bool is(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && *text == *word &&
           memcmp(text, word, len) == 0;
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

static enum key key_of(const char *text, size_t len)
{
    if (is(text, len, "type"))
        return KEY_TYPE;
    if (is(text, len, "error"))
        return KEY_ERROR;
    return is(text, len, "choices") ? KEY_CHOICES : KEY_OTHER;
}

/* A text of the outermost object is over. */
static void end_text(struct sse_event *g, const char *text, size_t len)
{
    enum key key = g->in_value ? KEY_OTHER : key_of(text, len);

    if (key == KEY_OTHER && g->key == KEY_TYPE)
        sse_event_name(g, text, len);
    else if (key == KEY_OTHER && g->key == KEY_ERROR && len > 0)
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
static void end_choice_text(struct sse_event *g, const char *text, size_t len)
{
    if (g->in_its_value)
        g->has_reason = g->has_reason || (g->key == KEY_REASON && len > 0);
    else if (is(text, len, "index"))
        g->key = KEY_INDEX;
    else
        g->key = is(text, len, "finish_reason") ? KEY_REASON : KEY_OTHER;
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

/* A text is over, of which these are the last bytes.  The words of the model
 * say nothing, and are deeper. */
static void close_text(struct sse_event *g, const char *text, size_t len)
{
    g->in_text = false;
    if (g->depth != OUTERMOST && !is_in_choice(g))
        return;
    if (g->len > 0) { /* it came in pieces */
        keep(g, text, len);
        text = g->word;
        len = g->len;
    }
    if (g->depth == OUTERMOST)
        end_text(g, text, len);
    else
        end_choice_text(g, text, len);
}

/* Within a text: up to its end or to END. */
static const char *take_text(struct sse_event *g, const char *p,
                             const char *end)
{
    const char *from = p;

    if (g->is_escaped)
        p++;
    p = find_either(p, end, '"', '\\');
    g->is_escaped = p < end && *p == '\\';
    if (p < end && !g->is_escaped) {
        close_text(g, from, (size_t)(p - from));
        return p + 1;
    }
    p += g->is_escaped;
    keep(g, from, (size_t)(p - from));
    return p;
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
    if (c == '"') { /* every other one */
        g->in_text = true;
        g->len = 0;
        return;
    }
    switch (c) {
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

/* Of a number, or of true, false and null. */
static bool is_plain(char c)
{
    return (c >= '-' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* All of it that is here: behind the first byte nothing is news, but for a
 * choice's index. */
static const char *take_value(struct sse_event *g, const char *p,
                              const char *end)
{
    bool is_of_choice = is_in_choice(g);

    begin_value(g, *p);
    do {
        if (is_of_choice)
            take_choice_byte(g, *p);
        p++;
    } while (p < end && is_plain(*p));
    return p;
}

void sse_event_bytes(struct sse_event *g, const char *data, size_t len)
{
    const char *p = data, *end = data + len;

    while (p < end) {
        if (g->in_text)
            p = take_text(g, p, end);
        else if (is_plain(*p))
            p = take_value(g, p, end);
        else
            take_byte(g, *p++);
    }
}
