/*
 * relay.c - what does the client see of an answer, and when?
 *
 *   before the head     nothing, or (commit) our own 200 and signs of life
 *   event stream        event by event: an unfinished one is of no use to a
 *                       client, and cut short it would hide our error from
 *                       its parser; comments only between events
 *   anything else       held up to HOLD_MAX and sent whole with its length,
 *                       so that a broken one can still become a 502
 *
 * Our head and our comments are not answer bytes.  The upstream's bytes are
 * never changed, left out or put in another order, but for a key that an error
 * quotes (conceal.c).
 */
#include "relay.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "conceal.h"
#include "config.h"
#include "exchange.h"
#include "route.h"

void relay_init(struct relay *r)
{
    memset(r, 0, sizeof(*r));
    usage_init(&r->usage);
}

void relay_fini(struct relay *r)
{
    buf_free(&r->head);
    buf_free(&r->held);
    usage_fini(&r->usage);
}

static void emit(struct exchange *x, const void *data, size_t len)
{
    client_write(&x->client, data, len);
    exchange_dirty(x);
}

static void emit_buf(struct exchange *x, struct buf *b)
{
    if (b->len > 0)
        emit(x, buf_head(b), b->len);
    buf_free(b);
}

/* ---- heads ------------------------------------------------------------------ */

static void stream_headers(struct buf *b)
{
    reply_header(b, "Cache-Control", "no-cache, no-transform");
    reply_header(b, "X-Accel-Buffering", "no"); /* nginx */
}

static void own_headers(struct buf *b, const struct exchange *x,
                        const struct upstream_head *h)
{
    if (x->granted_ns != 0)
        reply_header_int(b, "X-Sluice-Queue-Ms", x->waited_ns / NS_PER_MS);
    reply_header_int(b, "X-Sluice-Attempts", x->attempts);
    if (x->place.limit == 0 || (h != NULL && reply_has_window(h)))
        return;
    reply_header_int(b, "x-ratelimit-limit-requests", x->place.limit);
    reply_header_int(b, "x-ratelimit-remaining-requests", x->place.remaining);
    buf_str(b, "x-ratelimit-reset-requests: ");
    buf_int(b, x->place.reset_ns / NS_PER_MS);
    buf_str(b, "ms\r\n");
}

void relay_commit(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};
    struct relay *r = &x->relay;

    if (r->head_sent)
        return;
    r->head_sent = r->committed = true;
    r->as_events = x->req->stream;
    reply_head(&b, x->req, 200,
               r->as_events ? "text/event-stream; charset=utf-8"
                            : "application/json");
    stream_headers(&b);
    buf_str(&b, "\r\n");
    emit_buf(x, &b);
}

void relay_beat(struct exchange *x, const char *text)
{
    struct relay *r = &x->relay;
    char line[160];
    int n;

    if (!r->head_sent || client_is_full(&x->client))
        return;
    if (r->mode == RELAY_STREAM || (r->committed && r->as_events)) {
        if (r->torn || r->sse.has_id)
            return;
        n = snprintf(line, sizeof(line), ": %s\n\n", text);
        emit(x, line, (size_t)n);
    } else if (r->committed && r->mode == RELAY_NOTHING) {
        emit(x, "\n", 1); /* white space before a JSON text: RFC 8259, 2 */
    }
}

/* ---- the upstream's answer ---------------------------------------------------- */

/* What can be said of the answer once its head is known. */
static enum relay_mode choose(const struct exchange *x,
                              const struct upstream_head *h)
{
    bool events = head_is_events(h);

    if (!x->relay.committed)
        return events ? RELAY_STREAM : RELAY_HOLD;
    if (x->relay.as_events)
        return events && h->status == 200 ? RELAY_STREAM : RELAY_EXPLAIN;
    return head_is_encoded(h) ? RELAY_EXPLAIN : RELAY_HOLD;
}

void relay_head(struct exchange *x, const struct upstream_head *h)
{
    struct relay *r = &x->relay;
    const char *reqid = upstream_header(h, "nvcf-reqid");
    const char *type = upstream_header(h, "content-type");

    r->status = h->status;
    r->length = h->content_length;
    r->unframed = h->content_length < 0 && !h->chunked && h->status != 204 &&
                  h->status != 304;
    r->mode = choose(x, h);
    if (reqid != NULL)
        snprintf(r->nvcf_reqid, sizeof(r->nvcf_reqid), "%s", reqid);
    if (r->head_sent)
        return;
    reply_head(&r->head, x->req, h->status, type);
    reply_their_headers(&r->head, h, -1);
    own_headers(&r->head, x, h);
    if (r->mode != RELAY_STREAM)
        return;
    if (upstream_header(h, "cache-control") == NULL)
        stream_headers(&r->head);
    buf_str(&r->head, "\r\n");
    r->head_sent = true;
    emit_buf(x, &r->head);
}

/* The head of a held answer, with its length if that is known: so even a
 * client behind a server that ends broken answers cleanly can tell. */
static void send_head(struct exchange *x, int64_t length)
{
    struct relay *r = &x->relay;

    if (r->head_sent)
        return;
    if (length >= 0)
        reply_header_int(&r->head, "Content-Length", length);
    buf_str(&r->head, "\r\n");
    emit_buf(x, &r->head);
    r->head_sent = true;
}

/* What is held, to a client that wants to see it. */
static void send_held(struct exchange *x)
{
    struct relay *r = &x->relay;

    if (r->held.len > 0)
        usage_look(&r->usage, buf_head(&r->held), r->held.len);
    if (strcmp(x->req->method, "HEAD") != 0)
        emit_buf(x, &r->held);
    buf_free(&r->held);
}

/* A held answer has grown too long to be held: from here on it passes. */
static void release(struct exchange *x)
{
    send_head(x, x->relay.length);
    send_held(x);
    x->relay.mode = RELAY_PASS;
}

static void pass(struct exchange *x, const char *data, size_t len)
{
    usage_look(&x->relay.usage, data, len);
    if (len > 0 && strcmp(x->req->method, "HEAD") != 0)
        emit(x, data, len);
}

/* What is held of a stream, without what an error in it may quote. */
static void send_held_events(struct exchange *x)
{
    struct relay *r = &x->relay;
    bool in_error = r->sse.has_error || r->sse.gist.is_error;

    conceal_events(x, &r->held, r->torn && in_error);
    send_held(x);
}

/* DATA, which ends with an event, behind what is held.  Most of a stream holds
 * no error: it is not even copied. */
static void send_events(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    if (r->held.len == 0 && !conceal_must_see(data, len)) {
        pass(x, data, len);
        return;
    }
    buf_add(&r->held, data, len);
    send_held_events(x);
}

static void pass_events(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;
    bool had_error = r->sse.has_error;
    size_t n = sse_scan(&r->sse, data, len);

    if (r->sse.has_error && !had_error)
        measure_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_SERVER);
    if (n > 0) {
        measure_events(x, data, n);
        send_events(x, data, n);
        r->torn = false;
    }
    buf_add(&r->held, data + n, len - n);
    if (r->held.len > EVENT_MAX || (r->torn && r->held.len > 0)) {
        r->torn = true;
        send_held_events(x);
    }
}

bool relay_body(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    switch (r->mode) {
    case RELAY_NOTHING:
        break;
    case RELAY_HOLD:
        buf_add(&r->held, data, len);
        if (r->held.len > HOLD_MAX)
            release(x);
        break;
    case RELAY_EXPLAIN:
        if (r->held.len <= HOLD_MAX) /* one more says that it is cut */
            buf_add(&r->held, data, len);
        break;
    case RELAY_STREAM:
        if (client_is_full(&x->client))
            return false;
        pass_events(x, data, len);
        break;
    case RELAY_PASS:
        if (client_is_full(&x->client))
            return false;
        pass(x, data, len);
        break;
    }
    return true;
}

/* ---- ends ------------------------------------------------------------------------ */

/* What could not be a header any more. */
static void last_comment(struct exchange *x)
{
    char text[96];

    if (!x->relay.committed)
        return;
    snprintf(text, sizeof(text), "sluice queue_ms=%" PRId64 " attempts=%u",
             x->waited_ns / NS_PER_MS, x->attempts);
    relay_beat(x, text);
}

/* Does the held text end in the middle of a JSON value?  The only sign of a
 * cut in an answer that nothing but its connection ends. */
static bool is_cut_json(const struct relay *r)
{
    struct json_tokener *tok;
    bool cut;

    if (!r->unframed || r->held.len == 0 || buf_head(&r->held)[0] != '{')
        return false;
    tok = json_tokener_new_ex(JSON_DEPTH);
    CHECK(tok != NULL);
    json_object_put(
        json_tokener_parse_ex(tok, buf_head(&r->held), (int)r->held.len));
    cut = json_tokener_get_error(tok) == json_tokener_continue;
    json_tokener_free(tok);
    return cut;
}

/* The upstream's own error, told as an event to a client that was promised a
 * stream.  If it is OpenAI's shape already, it goes through as it is. */
static bool explain(struct exchange *x)
{
    struct relay *r = &x->relay;
    struct buf b = {NULL, 0, 0, 0};
    size_t i;

    if (!r->as_events || r->held.len == 0 || r->held.len > HOLD_MAX ||
        buf_head(&r->held)[0] != '{' || is_cut_json(r) ||
        memmem(buf_head(&r->held), r->held.len, "\"error\"", 7) == NULL)
        return false;
    for (i = 0; i < r->held.len; i++) /* white space: strings escape theirs */
        if (r->held.data[r->held.start + i] == '\n' ||
            r->held.data[r->held.start + i] == '\r')
            r->held.data[r->held.start + i] = ' ';
    buf_str(&b, "data: ");
    buf_add(&b, buf_head(&r->held), r->held.len);
    buf_str(&b, "\n\n");
    emit_buf(x, &b);
    last_comment(x);
    return true;
}

bool relay_has_ended(const struct exchange *x)
{
    return x->relay.mode == RELAY_STREAM &&
           sse_has_ended(&x->relay.sse, x->req->route->ends);
}

bool relay_finish(struct exchange *x)
{
    struct relay *r = &x->relay;
    enum sse_ends ends = x->req->route->ends;

    switch (r->mode) {
    case RELAY_NOTHING:
        return false;
    case RELAY_HOLD:
        if (is_cut_json(r))
            return false;
        conceal_answer(x, &r->held);
        send_head(x, (int64_t)r->held.len);
        send_held(x);
        return true;
    case RELAY_PASS:
        return true;
    case RELAY_EXPLAIN:
        conceal_body(x, &r->held); /* told as an error, whatever it is */
        return explain(x);
    case RELAY_STREAM:
        sse_end(&r->sse);
        if (ends != ENDS_ANYHOW && r->status == 200 &&
            !sse_has_ended(&r->sse, ends))
            return false;
        r->torn = !sse_is_between(&r->sse); /* no comment into its last one */
        send_held_events(x);
        last_comment(x);
        return true;
    }
    return false;
}

static void error_event(struct exchange *x, const struct buf *json)
{
    struct relay *r = &x->relay;
    struct buf b = {NULL, 0, 0, 0};

    if (r->torn)
        buf_str(&b, "\n\n"); /* ends what was cut */
    buf_str(&b, "data: ");
    buf_add(&b, buf_head(json), json->len);
    buf_str(&b, "\n\n");
    emit_buf(x, &b);
    r->torn = false;
    last_comment(x);
}

static void error_answer(struct exchange *x, const struct relay_error *e)
{
    struct buf head = {NULL, 0, 0, 0};

    reply_head(&head, x->req, e->status, "application/json");
    if (e->head != NULL)
        reply_their_headers(&head, e->head, e->retry);
    reply_retry_headers(&head, e->head == NULL ? e->retry_ms : -1, e->retry);
    if (e->status == 405)
        reply_header(&head, "Allow", x->req->allow);
    if (e->status == 401 && e->head == NULL)
        reply_header(&head, "WWW-Authenticate", "Bearer");
    if (x->attempts > 0)
        own_headers(&head, x, e->head);
    reply_header_int(&head, "Content-Length", (int64_t)e->json->len);
    buf_str(&head, "\r\n");
    if (strcmp(x->req->method, "HEAD") != 0)
        buf_add(&head, buf_head(e->json), e->json->len);
    x->relay.head_sent = true;
    emit_buf(x, &head);
}

bool relay_error(struct exchange *x, const struct relay_error *e)
{
    struct relay *r = &x->relay;

    if (!r->head_sent)
        error_answer(x, e);
    else if (r->mode == RELAY_STREAM || (r->committed && r->as_events))
        error_event(x, e->json);
    else if (r->committed && r->mode != RELAY_PASS)
        emit(x, buf_head(e->json), e->json->len);
    else
        return false;
    return true;
}
