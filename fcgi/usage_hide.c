/*
 * usage_hide.c - which event of a stream is the report that only we wanted?
 *
 *   data: {...,"choices":[],"usage":{"prompt_tokens":8,...}}
 *
 * It is taken out with its blank line, so that the stream is byte for byte the
 * one that would have come without it.  A report that rides on an event with
 * choices stays where it is: that event is a part of the answer.
 */
#include "fcgi/usage_hide.h"

#include <json-c/json.h>
#include <string.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/find.h"
#include "lib/json_strict.h"

#define KEY "\"usage\""

/* Behind the end of the line at P, which is LF, CR or both; a CR may be the last
 * byte there is. */
static const char *next_line(const char *p, const char *end)
{
    p = find_either(p, end, '\n', '\r');
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        return p + 2;
    return p < end ? p + 1 : end;
}

static bool is_blank(const char *line)
{
    return *line == '\n' || *line == '\r';
}

/* Behind the blank line that ends the event at P; a comment before an event is
 * none of it (sse.c), and may have come long before. */
static const char *next_event(const char *p, const char *end)
{
    if (*p == ':')
        return next_line(p, end);
    while (p < end && !is_blank(p))
        p = next_line(p, end);
    return next_line(p, end);
}

/* ---- is it the report? ---------------------------------------------------------- */

/* What the lines of data say, one behind the other, as a parser puts them
 * together (WHATWG HTML, 9.2.6). */
static void add_data(struct buf *data, const char *p, const char *end)
{
    const char *line, *text;

    for (line = p; line < end; line = p) {
        p = next_line(line, end);
        if (p - line < 5 || memcmp(line, "data:", 5) != 0)
            continue;
        if (data->len > 0)
            buf_add(data, "\n", 1);
        text = line + 5;
        text += text < p && *text == ' ';
        while (p > text && is_blank(p - 1))
            p--;
        buf_add(data, text, (size_t)(p - text));
        p = next_line(p, end);
    }
}

static bool is_report_object(struct json_object *o)
{
    struct json_object *choices, *usage, *error;

    return json_object_object_get_ex(o, "choices", &choices) &&
           json_object_is_type(choices, json_type_array) &&
           json_object_array_length(choices) == 0 &&
           json_object_object_get_ex(o, "usage", &usage) &&
           json_object_is_type(usage, json_type_object) &&
           !json_object_object_get_ex(o, "error", &error);
}

/* Most events are asked no more than the first question. */
static bool is_report(const char *p, const char *end)
{
    struct buf data = {NULL, 0, 0, 0};
    struct json_object *o;
    bool is_it;

    if (FIND(p, end, KEY) == NULL || (size_t)(end - p) > USAGE_BYTES)
        return false;
    add_data(&data, p, end);
    buf_add(&data, "", 1); /* for the parser */
    o = json_strict_object(buf_head(&data), data.len - 1);
    is_it = o != NULL && is_report_object(o);
    json_object_put(o);
    buf_free(&data);
    return is_it;
}

bool usage_hide_is(const struct usage_hide *h, const char *event, size_t len)
{
    return h->is_on && len > 0 && is_report(event, event + len);
}

/* ---- and out with it --------------------------------------------------------------- */

/* The second half of a CRLF, the first of which has gone before. */
static size_t take_half(struct usage_hide *h, const char *events, size_t len)
{
    bool is_half = h->cr && len > 0 && *events == '\n';

    h->cr = h->cr && len == 0;
    return is_half ? 1 : 0;
}

size_t usage_hide(struct usage_hide *h, char *events, size_t len)
{
    size_t half = take_half(h, events, len), left = h->hid_it ? 0 : half;
    const char *p = events + half, *end = events + len, *next;

    if (!h->is_on || len == 0)
        return len;
    if (half == len)
        return left;
    for (; p < end; p = next) {
        next = next_event(p, end);
        h->hid_it = is_report(p, next);
        if (h->hid_it)
            continue;
        memmove(events + left, p, (size_t)(next - p));
        left += (size_t)(next - p);
    }
    h->cr = end[-1] == '\r';
    return left;
}
