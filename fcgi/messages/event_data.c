/*
 * event_data.c - what do the events of a stream say?  (WHATWG HTML,
 * "Server-sent events".)
 *
 * Only "data" counts: chat completions name no events.  Lines end with LF, CR
 * or both.
 */
#include "fcgi/messages/event_data.h"

#include <string.h>

#include "fcgi/config/bounds.h"

#define FIELD "data:"
#define LEN   (sizeof(FIELD) - 1)

void event_data_fini(struct event_data *e)
{
    buf_free(&e->data);
}

static void begin_data(struct event_data *e)
{
    if (e->data.len >= CHAT_EVENT_MAX)
        e->is_long = true;
    else if (e->has_data)
        buf_str(&e->data, "\n");
    e->has_data = e->in_data = true;
}

/* A byte at a line's beginning: it may be of the name, or the blank behind.
 * False: it is data. */
static bool take_name(struct event_data *e, char c)
{
    if (e->at < LEN) {
        e->name[e->at++] = c;
        if (e->at == LEN && memcmp(e->name, FIELD, LEN) == 0)
            begin_data(e);
        return true;
    }
    return e->at++ == LEN && c == ' ';
}

/* Bytes of a line, without its end. */
static void take(struct event_data *e, const char *p, const char *end)
{
    while (p < end && e->at <= LEN)
        if (!take_name(e, *p))
            break;
        else
            p++;
    if (!e->in_data || p == end)
        return;
    if (e->data.len + (size_t)(end - p) > CHAT_EVENT_MAX)
        e->is_long = true;
    else
        buf_add(&e->data, p, (size_t)(end - p));
}

/* True: an event is complete. */
static bool end_line(struct event_data *e)
{
    bool is_event = e->at == 0 && e->has_data;

    e->at = 0;
    e->in_data = false;
    e->has_data = e->has_data && !is_event;
    return is_event;
}

/* Past a byte order mark at the stream's beginning. */
static void skip_mark(struct event_data *e, const char **p, const char *end)
{
    static const char mark[] = "\xef\xbb\xbf";

    while (*p < end && e->bom < 3 && **p == mark[e->bom]) {
        e->bom++;
        (*p)++;
    }
    if (*p < end)
        e->bom = 3;
}

static bool take_line_end(struct event_data *e, char c)
{
    bool is_second = c == '\n' && e->cr;

    e->cr = c == '\r';
    return !is_second && end_line(e);
}

bool event_data_next(struct event_data *e, const char **p, const char *end)
{
    if (e->is_told)
        buf_take(&e->data, e->data.len);
    e->is_told = false;
    skip_mark(e, p, end);
    while (*p < end && !e->is_long) {
        const char *line = *p;

        while (*p < end && **p != '\n' && **p != '\r')
            (*p)++;
        if (*p > line) {
            take(e, line, *p);
            e->cr = false;
        }
        if (*p < end && take_line_end(e, *(*p)++)) {
            e->is_told = true;
            return true;
        }
    }
    return false;
}

bool event_data_last(struct event_data *e)
{
    bool is_event = e->has_data && !e->is_told && !e->is_long;

    e->has_data = false;
    e->is_told = true;
    return is_event;
}
