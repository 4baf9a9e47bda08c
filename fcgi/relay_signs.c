/*
 * relay_signs.c - what does a client see before, and beside, an answer?
 *
 *   the head    ours: 200, before anything is known (sign_of_life.c says when)
 *   a stream    comments, or events that say nothing.  One that we make in the
 *               words of Messages begins with its message_start, and pings may
 *               stand anywhere in it
 *   JSON        white space
 */
#include "fcgi/relay.h"

#include "fcgi/passed_headers.h"
#include "fcgi/route.h"
#include "fcgi/tongue.h"
#include "fcgi/translate.h"

void relay_commit(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    struct relay *r = &x->relay;

    if (r->head_sent)
        return;
    r->head_sent = r->committed = true;
    r->as_events = relay_wants_events(x);
    heads_of_wait(&b, x);
    if (r->as_events)
        translate_head(x, &b);
    relay_emit_buf(x, &b);
}

/* No blank line: parsers skip the line alone, some count both, and some take
 * what a blank line ends for an event. */
void relay_comment(struct exchange *x, const char *text)
{
    char line[160];
    int n = snprintf(line, sizeof(line), ": %s\n", text);

    if (x->relay.torn)
        return;
    relay_emit(x, line, (size_t)n);
    x->relay.in_comments = true;
}

/* A blank line for those who cut a stream at blank lines, and would take the
 * first event for a comment. */
void relay_end_comments(struct exchange *x)
{
    if (x->relay.in_comments)
        relay_emit(x, "\n", 1);
    x->relay.in_comments = false;
}

/* Ours, or the upstream's. */
static bool tells_events(const struct relay *r)
{
    return r->mode == RELAY_STREAM || (r->committed && r->as_events);
}

/* It may think for long without a word that its client is to see.  False: its
 * API has no word for that. */
static bool ping(struct exchange *x)
{
    const struct tongue *tongue = x->req->route->tongue;
    struct buf b = {NULL, 0, 0, 0};

    if (tongue == NULL || tongue->ping == NULL)
        return false;
    tongue->ping(&b);
    relay_emit_buf(x, &b);
    return true;
}

void relay_beat(struct exchange *x, const char *text)
{
    struct relay *r = &x->relay;

    if (!r->head_sent || client_is_full(&x->client))
        return;
    if (tells_events(r)) {
        if (!ping(x) && !r->has_begun)
            relay_comment(x, text);
    } else if (r->committed && r->mode == RELAY_NOTHING) {
        /* White space before a JSON text: RFC 8259, 2. */
        relay_emit(x, "\n", 1);
    }
}

/* Only Messages has an event for it; the others are of a kind that most clients
 * pass over, and so come to those alone for whom they were asked. */
void relay_wait_event(struct exchange *x)
{
    struct relay *r = &x->relay;
    struct buf b = {NULL, 0, 0, 0};

    if (!r->committed || !r->as_events || r->has_begun ||
        client_is_full(&x->client))
        return;
    switch (route_tells(x->req->route)) {
    case ENDS_RESPONSE:
        buf_str(&b,
                "event: sluice.waiting\ndata: {\"type\":\"sluice.waiting\"}");
        break;
    case ENDS_MESSAGE:
        tongue_messages.ping(&b);
        relay_emit_buf(x, &b);
        return;
    case ENDS_DONE:
    case ENDS_ANYHOW:
        buf_str(&b, "data: {\"id\":");
        buf_json(&b, x->req->id);
        buf_str(&b, ",\"object\":\"chat.completion.chunk\",\"created\":0,"
                    "\"model\":");
        buf_json(&b, request_model(x->req));
        buf_str(&b, ",\"choices\":[]}");
        break;
    }
    buf_str(&b, "\n\n");
    relay_emit_buf(x, &b);
}
