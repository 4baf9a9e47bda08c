/*
 * sse.c - may a comment be put in here, was the end seen, or an error?
 *
 * What an event says counts with its blank line: no parser hands out one that
 * has none.  Only [DONE] needs no more than its own line, and a comment before
 * an event is none of it: it may be all that an upstream sends for minutes.
 */
#include "fcgi/upstream/sse.h"

#include <string.h>

#include "lib/find.h"

static bool starts_with(const struct sse *s, const char *text)
{
    size_t n = strlen(text);

    return s->len >= n && memcmp(s->line, text, n) == 0;
}

static void end_event(struct sse *s)
{
    s->events += s->inside;
    s->has_error = s->has_error || s->gist.is_error;
    s->has_last = s->has_last || (s->gist.is_last && s->gist.is_whole);
    if (s->gist.is_whole) {
        s->choices |= s->gist.choices;
        s->finished |= s->gist.finished;
    }
    s->gist = (struct sse_event){.is_error = false};
    s->inside = false;
}

static void take_name(struct sse *s)
{
    size_t n = s->len > 6 && s->line[6] == ' ' ? 7 : 6;

    if (s->len <= sizeof(s->line))
        sse_event_name(&s->gist, s->line + n, s->len - n);
}

static void end_line(struct sse *s)
{
    if (s->len == 0) {
        end_event(s);
        return;
    }
    s->inside = s->inside || s->line[0] != ':';
    s->in_data = false;
    if (starts_with(s, "event:"))
        take_name(s);
    if (starts_with(s, "data: [DONE]") || starts_with(s, "data:[DONE]"))
        s->has_done = true;
    s->len = 0;
}

/* Bytes of a line, without its end. */
static void take(struct sse *s, const char *data, size_t len)
{
    size_t room = s->len < sizeof(s->line) ? sizeof(s->line) - s->len : 0;
    size_t name = s->len < 5 ? 5 - s->len : 0; /* left of "data:" */

    memcpy(s->line + sizeof(s->line) - room, data, len < room ? len : room);
    s->len += len;
    if (name > 0 && len >= name && starts_with(s, "data:")) {
        s->in_data = true;
        data += name;
        len -= name;
    }
    if (s->in_data)
        sse_event_bytes(&s->gist, data, len);
}

/* Past a byte order mark at the stream's beginning, which may come in pieces.
 * What only looked like one is part of the first line. */
static const char *skip_bom(struct sse *s, const char *p, const char *end)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t seen;

    while (p < end && s->bom < 3 && *p == mark[s->bom]) {
        s->bom++;
        p++;
    }
    if (p == end || s->bom == 3)
        return p;
    seen = s->bom;
    s->bom = 3;
    take(s, mark, seen);
    return p;
}

size_t sse_scan(struct sse *s, const char *data, size_t len)
{
    const char *p = data, *end = data + len;
    size_t complete = 0;

    if (s->bom < 3)
        p = skip_bom(s, p, end);
    while (p < end) {
        const char *line = p;

        p = find_either(p, end, '\n', '\r');
        if (p > line) {
            take(s, line, (size_t)(p - line));
            s->cr = false;
        }
        if (p == end)
            break;
        if (*p == '\r' || !s->cr)
            end_line(s);
        s->cr = *p++ == '\r';
        complete = sse_is_between(s) ? (size_t)(p - data) : complete;
        if (s->has_error) /* with all of its end */
            return complete + (s->cr && p < end && *p == '\n');
    }
    return complete;
}

void sse_end(struct sse *s)
{
    if (s->len > 0)
        end_line(s);
}

bool sse_close(struct sse *s)
{
    sse_end(s);
    if (!s->inside || !s->gist.is_whole)
        return false;
    end_event(s);
    return true;
}

static bool has_finished(const struct sse *s)
{
    return s->choices != 0 && s->finished == s->choices;
}

bool sse_has_ended(const struct sse *s, enum sse_ends ends)
{
    if (ends == ENDS_DONE)
        return s->has_done || s->has_error || has_finished(s);
    return s->has_done || s->has_last || (s->has_error && ends != ENDS_ANYHOW);
}

bool sse_is_over(const struct sse *s, enum sse_ends ends)
{
    return s->has_done || (s->has_last && !s->has_error &&
                           (ends == ENDS_RESPONSE || ends == ENDS_MESSAGE));
}

bool sse_is_between(const struct sse *s)
{
    return !s->inside && s->len == 0;
}
