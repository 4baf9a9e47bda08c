/*
 * relay.c - what does the client see of an answer, and when?
 *
 *   before the head     nothing, or (commit) our own 200 and signs of life
 *   event stream        event by event: an unfinished one is of no use to a
 *                       client, and cut short it would hide our error from
 *                       its parser; comments only before the first
 *   JSON                held up to HOLD_MAX and sent whole with its length,
 *                       so that a broken one can still become a 502; but white
 *                       space before it passes, unless the rest is there with it
 *   anything else,      as it comes: sound plays at once
 *   what is compressed
 *   what is no stream,  collected, and told as events (unfold.c) or as an error
 *   after our head
 *   what its client    held or event by event, and told in other words: the
 *   asked for in       last thing that is done to it (translate.c)
 *   Messages' words
 *
 * Our head and our comments are not answer bytes.  The upstream's bytes are
 * never changed, left out or put in another order, except where our head has
 * promised events and it has sent something else, where nothing of ours may
 * stand before a byte order mark, where an error quotes a key (conceal.c), and
 * where an event was asked for by us alone (usage_hide.c).
 *
 * A stream that has said its end is over, although its connection may stay
 * open; and nothing follows an end or an error of the upstream's, neither of
 * ours nor of its own.
 */
#include "fcgi/relay.h"

#include <string.h>

#include "fcgi/asked_for.h"
#include "fcgi/conceal.h"
#include "fcgi/config/config.h"
#include "fcgi/passed_headers.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "fcgi/tell_limiter.h"
#include "fcgi/translate.h"

/* How long a connection may stay open behind [DONE], for as a rule it ends
 * well, and can be used again; behind an error it may also say [DONE]. */
#define OVER_NS  (300 * NS_PER_MS)
#define ERROR_NS (700 * NS_PER_MS)
/* Behind the last choice's reason usage and [DONE] may come, at once. */
#define FINISHED_NS (15 * NS_PER_S)

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
    translate_free(r->translate);
}

bool relay_is_head_only(const struct exchange *x)
{
    return strcmp(x->req->method, "HEAD") == 0;
}

void relay_emit(struct exchange *x, const void *data, size_t len)
{
    client_write(&x->client, data, len);
    exchange_dirty(x);
}

void relay_emit_buf(struct exchange *x, struct buf *b)
{
    if (b->len > 0)
        relay_emit(x, buf_head(b), b->len);
    buf_free(b);
}

/* ---- heads ------------------------------------------------------------------ */

bool relay_wants_events(const struct exchange *x)
{
    return x->req->stream && x->req->route->ends != ENDS_ANYHOW;
}

/* ---- the upstream's answer ---------------------------------------------------- */

/* Of an answer that can be read, and is no event stream: is it JSON, of which
 * a half is worth nothing?  An error is short, and here. */
static bool is_held(const struct exchange *x, const struct upstream_head *h,
                    enum sniffed kind)
{
    if (h->status >= 300 || h->status == 202)
        return true;
    if (relay_wants_events(x) && head_is_json_lines(h))
        return false;
    if (kind == SNIFF_OTHER && !head_is_json(h))
        return false;
    return head_is_json(h) || kind == SNIFF_JSON || x->req->route->needs_json;
}

/* Nothing of what is to be translated passes as it comes. */
static enum relay_mode choose_translated(const struct exchange *x,
                                         const struct upstream_head *h,
                                         bool events)
{
    if (x->relay.is_coded || events != relay_wants_events(x) ||
        (events && h->status != 200))
        return RELAY_EXPLAIN;
    return events ? RELAY_STREAM : RELAY_HOLD;
}

/* What can be said of the answer once its head and first bytes are known. */
static enum relay_mode choose(const struct exchange *x,
                              const struct upstream_head *h, enum sniffed kind)
{
    const struct relay *r = &x->relay;
    bool events =
        kind == SNIFF_EVENTS || (kind == SNIFF_UNKNOWN && head_is_events(h));

    if (translate_is_on(x))
        return choose_translated(x, h, events);
    if (r->committed && r->as_events)
        return events && h->status == 200 ? RELAY_STREAM : RELAY_EXPLAIN;
    if (r->committed)
        return r->is_coded ? RELAY_EXPLAIN : RELAY_HOLD;
    if (r->is_coded)
        return RELAY_PASS;
    if (events)
        return RELAY_STREAM;
    return is_held(x, h, kind) ? RELAY_HOLD : RELAY_PASS;
}

/* Only where its route answers with JSON, or nothing but the end of the
 * connection ends it: what else may be in a file is not for us to judge. */
static bool must_be_whole(const struct exchange *x,
                          const struct upstream_head *h)
{
    bool unframed = h->content_length < 0 && !h->chunked;

    return x->relay.mode == RELAY_HOLD && h->status == 200 &&
           (x->req->route->needs_json || (unframed && head_is_json(h)));
}

/* The head of a held answer, with its length if that is known: so even a
 * client behind a server that ends broken answers cleanly can tell. */
void relay_send_head(struct exchange *x, int64_t length)
{
    struct relay *r = &x->relay;

    if (r->head_sent)
        return;
    if (length >= 0)
        reply_header_int(&r->head, "Content-Length", length);
    else if (r->mode == RELAY_PASS)
        reply_header(&r->head, "X-Accel-Buffering", "no"); /* nginx */
    buf_str(&r->head, "\r\n");
    relay_emit_buf(x, &r->head);
    r->head_sent = true;
}

void relay_head(struct exchange *x, const struct upstream_head *h,
                enum sniffed kind)
{
    struct relay *r = &x->relay;
    const char *reqid = upstream_header(h, "nvcf-reqid");

    r->status = h->status;
    r->length = h->content_length;
    r->is_coded = head_is_encoded(h) || kind == SNIFF_CODED;
    r->mode = choose(x, h, kind);
    r->is_checked = must_be_whole(x, h);
    r->hide.is_on = r->mode == RELAY_STREAM && x->attempt.ask.is != NULL &&
                    !translate_is_on(x);
    if (reqid != NULL)
        snprintf(r->nvcf_reqid, sizeof(r->nvcf_reqid), "%s", reqid);
    if (r->head_sent)
        return;
    heads_of_answer(&r->head, x, h);
    if (r->mode == RELAY_STREAM)
        relay_send_head(x, -1);
    if (r->mode == RELAY_PASS)
        relay_send_head(x, r->length);
}

static void look_at_held(struct relay *r)
{
    if (r->held.len > 0)
        usage_look(&r->usage, buf_head(&r->held), r->held.len);
}

/* A stream that cannot be told is over for us too. */
static void give_up(struct exchange *x)
{
    x->relay.sse.has_error = x->relay.told_error = true;
    x->due.at[DUE_OVER] = exchange_now(x);
}

static void tell_translated(struct exchange *x, const char *data, size_t len)
{
    struct buf out = {NULL, 0, 0, 0};

    if (!translate_events(x, data, len, &out) && !x->relay.sse.has_error)
        give_up(x);
    if (out.len > 0 && x->due.at[DUE_BEAT] != NEVER)
        x->due.at[DUE_BEAT] =
            exchange_now(x) + x->s->cfg->heartbeat_ms * NS_PER_MS;
    relay_emit_buf(x, &out);
}

void relay_tell(struct exchange *x, const char *data, size_t len)
{
    struct buf out = {NULL, 0, 0, 0};

    if (len == 0 || relay_is_head_only(x))
        return;
    if (x->relay.mode == RELAY_STREAM && translate_is_on(x)) {
        tell_translated(x, data, len);
    } else if (x->relay.mode == RELAY_STREAM && !x->relay.torn &&
               x->req->asked_for != NULL) {
        asked_for_tell_events(x, data, len, &out);
        relay_emit_buf(x, &out);
    } else {
        relay_emit(x, data, len);
    }
}

static void emit_held(struct exchange *x)
{
    struct buf *held = &x->relay.held;

    if (held->len > 0)
        relay_tell(x, buf_head(held), held->len);
    buf_free(held);
}

/* What is held, to a client that wants to see it. */
void relay_send_held(struct exchange *x)
{
    look_at_held(&x->relay);
    emit_held(x);
}

size_t relay_held_max(const struct exchange *x)
{
    return translate_is_on(x) ? CHAT_EVENT_MAX : HOLD_MAX;
}

/* A held answer has grown too long to be held: from here on it passes. */
static void release(struct exchange *x)
{
    if (translate_is_on(x)) {
        x->relay.mode = RELAY_EXPLAIN; /* that it cannot be told */
        return;
    }
    conceal_answer(x, &x->relay.held);
    relay_send_head(x, x->relay.length);
    relay_send_held(x);
    x->relay.mode = RELAY_PASS;
}

/*
 * White space before JSON is the upstream's sign of life.  It comes here only
 * once it has lasted (forward.c), and from then on as it comes: the status is
 * told, and if the answer fails the client sees it break off.
 */
static void hold(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    buf_add(&r->held, data, len);
    whole_take(&r->whole, data, len);
    if (whole_is_blank(&r->whole) && r->status == 200 &&
        !relay_is_head_only(x)) {
        relay_send_head(x, translate_is_on(x) ? -1 : r->length);
        relay_send_held(x);
    } else if (r->held.len > relay_held_max(x)) {
        release(x);
    }
}

static void pass(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    if (!r->is_coded)
        usage_look(&r->usage, data, len);
    if (r->is_checked)
        whole_take(&r->whole, data, len);
    relay_tell(x, data, len);
}

void relay_send_held_events(struct exchange *x)
{
    struct relay *r = &x->relay;
    bool in_error = r->sse.has_error || r->sse.gist.is_error;

    conceal_events(x, &r->held, r->torn && in_error);
    look_at_held(r);
    if (!r->torn && r->held.len > 0)
        r->held.len =
            usage_hide(&r->hide, r->held.data + r->held.start, r->held.len);
    emit_held(x);
}

/* DATA, which ends with an event, behind what is held.  Most of a stream holds
 * no error: it is not even copied.  The end of a torn one does not say so. */
static void send_events(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    if (r->held.len == 0 && !r->torn && !r->hide.is_on &&
        !conceal_must_see(data, len)) {
        pass(x, data, len);
        return;
    }
    buf_add(&r->held, data, len);
    relay_send_held_events(x);
}

/* Has it said its end, or an error?  Then the connection is not waited for. */
static void note_end(struct exchange *x)
{
    struct relay *r = &x->relay;
    enum sse_ends ends = x->req->route->ends;
    int64_t now = exchange_now(x), *over = &x->due.at[DUE_OVER];

    if (sse_is_over(&r->sse, ends))
        *over = min_i64(*over, now + OVER_NS);
    else if (r->sse.has_error && ends != ENDS_ANYHOW)
        *over = now + ERROR_NS;
    else if (ends == ENDS_DONE)
        *over = sse_has_ended(&r->sse, ends) ? now + FINISHED_NS : NEVER;
}

/* A mark of the byte order is one only as a stream's first bytes; behind
 * anything of ours it would spoil the first event. */
static void drop_bom(struct relay *r)
{
    if (r->held.len >= 3 && memcmp(buf_head(&r->held), "\xef\xbb\xbf", 3) == 0)
        buf_take(&r->held, 3);
}

/* The first of a stream, held and what ends with it. */
static void pass_first(struct exchange *x, const char *data, size_t n)
{
    struct relay *r = &x->relay;

    buf_add(&r->held, data, n);
    if (r->committed)
        drop_bom(r);
    relay_end_comments(x);
    r->has_begun = true;
    relay_send_held_events(x);
}

void relay_note_error(struct exchange *x, const char *data, size_t len)
{
    const struct buf *held = &x->relay.held;
    struct buf events = {NULL, 0, 0, 0};

    request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_SERVER);
    if (held->len > 0)
        buf_add(&events, buf_head(held), held->len);
    buf_add(&events, data, len);
    tell_limiter_of_events(x, buf_head(&events), events.len);
    buf_free(&events);
}

static void pass_events(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;
    size_t n;

    if (r->sse.has_error) /* [DONE] behind it would make it look well */
        return;
    n = sse_scan(&r->sse, data, len);
    if (r->sse.has_error) {
        relay_note_error(x, data, n);
        len = n;
    }
    note_end(x);
    if (n > 0) {
        request_stats_events(x, data, n);
        if (!r->has_begun)
            pass_first(x, data, n);
        else
            send_events(x, data, n);
        r->torn = false;
    }
    buf_add(&r->held, data + n, len - n);
    if (r->held.len > EVENT_MAX || (r->torn && r->held.len > 0)) {
        r->torn = true;
        if (!r->has_begun)
            pass_first(x, NULL, 0);
        else
            relay_send_held_events(x);
    }
}

bool relay_is_full(const struct exchange *x)
{
    const struct relay *r = &x->relay;

    return r->mode != RELAY_NOTHING && r->mode != RELAY_EXPLAIN &&
           r->head_sent && client_is_full(&x->client);
}

void relay_body(struct exchange *x, const char *data, size_t len)
{
    struct relay *r = &x->relay;

    switch (r->mode) {
    case RELAY_NOTHING:
        break;
    case RELAY_HOLD:
        hold(x, data, len);
        break;
    case RELAY_EXPLAIN:
        if (r->held.len <=
            relay_held_max(x)) { /* one more says that it is cut */
            buf_add(&r->held, data, len);
            whole_take(&r->whole, data, len);
        }
        break;
    case RELAY_STREAM:
        pass_events(x, data, len);
        break;
    case RELAY_PASS:
        pass(x, data, len);
        break;
    }
}
