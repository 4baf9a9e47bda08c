/*
 * passed_headers.c - which headers does the client see?
 *
 *   the upstream's    those that mean something beyond its connection, and
 *                     describe the body that is sent
 *   ours              how long it waited, how often it was sent, where that
 *                     might have been elsewhere to whom, what is left of the
 *                     limit, if the upstream does not say so itself
 *
 * None comes twice (reply.c).
 */
#include "fcgi/passed_headers.h"

#include "fcgi/as_chat.h"
#include "fcgi/config/config.h"
#include "fcgi/exchange_parts.h"

static void stream_headers(struct buf *b)
{
    reply_header(b, "Cache-Control", "no-cache, no-transform");
    reply_header(b, "X-Accel-Buffering", "no"); /* nginx */
}

static void own_headers(struct buf *b, const struct exchange *x,
                        const struct upstream_head *h)
{
    if (x->place.granted_ns != 0)
        reply_header_int(b, "X-Sluice-Queue-Ms",
                         x->place.waited_ns / NS_PER_MS);
    reply_header_int(b, "X-Sluice-Attempts", x->attempt.sends);
    if (x->s->cfg->n_upstreams > 1)
        reply_header(b, "X-Sluice-Upstream",
                     x->s->cfg->upstreams[x->attempt.upstream].name);
    if (exchange_seldom(x)->stand_in[0] != '\0')
        reply_header(b, "X-Sluice-Model", exchange_seldom(x)->stand_in);
    else if (x->req->asked_for != NULL)
        reply_header(b, "X-Sluice-Model", request_model(x->req));
    if (x->place.news.limit == 0 || (h != NULL && reply_has_window(h)))
        return;
    reply_header_int(b, "x-ratelimit-limit-requests", x->place.news.limit);
    reply_header_int(b, "x-ratelimit-remaining-requests",
                     x->place.news.remaining);
    buf_str(b, "x-ratelimit-reset-requests: ");
    buf_int(b, x->place.news.reset_ns / NS_PER_MS);
    buf_str(b, "ms\r\n");
}

/* Anthropic's SDKs look for the id there.  */
static void own_id(struct buf *b, const struct exchange *x)
{
    if (as_chat_is(x) && route_tells(x->req->route) == ENDS_MESSAGE)
        reply_header(b, "request-id", x->req->id);
}

/* The same of an error, unless it came from who has one of his own. */
static void error_id(struct buf *b, const struct exchange *x,
                     const struct relay_error *e)
{
    if (request_speaks_messages(x->req) &&
        (e->head == NULL || upstream_header(e->head, "request-id") == NULL))
        reply_header(b, "request-id", x->req->id);
}

void heads_of_wait(struct buf *b, const struct exchange *x)
{
    reply_head(b, x->req, 200,
               x->relay.as_events ? "text/event-stream; charset=utf-8"
                                  : "application/json");
    own_id(b, x);
    stream_headers(b);
    buf_str(b, "\r\n");
}

void heads_of_answer(struct buf *b, const struct exchange *x,
                     const struct upstream_head *h)
{
    const char *type = upstream_header(h, "content-type");
    bool is_theirs = !as_chat_is(x);

    if (!is_theirs)
        type = x->relay.mode == RELAY_STREAM
                   ? "text/event-stream; charset=utf-8"
                   : "application/json";
    reply_head(b, x->req, h->status, type);
    reply_their_headers(b, h, -1, is_theirs);
    own_headers(b, x, h);
    own_id(b, x);
    if (x->relay.mode == RELAY_STREAM &&
        upstream_header(h, "cache-control") == NULL)
        stream_headers(b);
}

void heads_of_error(struct buf *b, const struct exchange *x,
                    const struct relay_error *e)
{
    reply_head(b, x->req, e->status,
               e->is_coded ? upstream_header(e->head, "content-type")
                           : "application/json");
    if (e->head != NULL)
        reply_their_headers(b, e->head, e->retry, e->is_coded);
    reply_retry_headers(
        b, e->head == NULL || reply_hides_delay(e->head) ? e->retry_ms : -1,
        e->retry);
    if (e->status == 405)
        reply_header(b, "Allow", x->req->allow);
    if (e->status == 401 && e->head == NULL)
        reply_header(b, "WWW-Authenticate", "Bearer");
    if (x->attempt.sends > 0)
        own_headers(b, x, e->head);
    error_id(b, x, e);
    reply_header_int(b, "Content-Length", (int64_t)e->json->len);
    buf_str(b, "\r\n");
}
