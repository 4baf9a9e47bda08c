/*
 * relay_end.c - how does an answer end for its client?
 *
 *   well       what is held goes out; a stream whose choices all have their
 *              reason gets the [DONE] that it lacks
 *   cut        not at all: an error follows, as whatever still fits, and
 *              behind events the end of the answer stays away
 *   JSON, but  its events (unfold.c); if it has none, an error says why
 *   a stream
 *   was promised
 *
 * Nothing of ours follows an end or an error of the upstream's.
 */
#include "fcgi/relay.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "fcgi/asked_for.h"
#include "fcgi/conceal.h"
#include "fcgi/error_event.h"
#include "fcgi/models_told.h"
#include "fcgi/passed_headers.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "fcgi/translate.h"
#include "fcgi/upstream/unfold.h"

/* What could not be a header any more. */
static void last_comment(struct exchange *x)
{
    int64_t waited_ns = x->place.waited_ns;
    char text[96];

    if (!x->relay.committed)
        return;
    if (x->place.granted_ns == 0) /* all of its time was in line */
        waited_ns = exchange_now(x) - x->req->arrived_ns;
    snprintf(text, sizeof(text), "sluice queue_ms=%" PRId64 " attempts=%u",
             waited_ns / NS_PER_MS, x->attempt.sends);
    relay_comment(x, text);
}

/* Is it an answer that ends too early, or says nothing at all? */
static bool is_cut(const struct exchange *x)
{
    const struct relay *r = &x->relay;

    return r->is_checked && !relay_is_head_only(x) &&
           (whole_is_blank(&r->whole) || whole_is_cut(&r->whole));
}

/* As unfold(), in the words of the client's API. */
static enum unfolded unfold_for(struct exchange *x, struct buf *events)
{
    struct buf *held = &x->relay.held;
    size_t len = held->len;

    if (!translate_is_on(x))
        return x->relay.as_events
                   ? unfold(events, buf_head(held), len, x->req->route->ends)
                   : UNFOLD_NOT;
    if (!relay_wants_events(x))
        return UNFOLD_NOT;
    *buf_room(held, 1) = '\0';
    if (!translate_text(x, buf_head(held), len, events))
        return UNFOLD_NOT;
    relay_commit(x);
    return UNFOLD_ANSWER;
}

/* What is no event stream, for a client that was promised one. */
static bool explain(struct exchange *x)
{
    struct relay *r = &x->relay;
    struct buf events = {NULL, 0, 0, 0};
    enum unfolded is = UNFOLD_NOT;

    if (!r->is_coded && r->held.len > 0 && r->held.len <= relay_held_max(x))
        is = unfold_for(x, &events);
    if (is == UNFOLD_NOT)
        return false;
    usage_look(&r->usage, buf_head(&r->held), r->held.len);
    r->told_error = is == UNFOLD_ERROR;
    relay_end_comments(x);
    relay_emit_buf(x, &events);
    last_comment(x);
    return true;
}

void relay_why_not(const struct exchange *x, char *text, size_t size)
{
    const struct relay *r = &x->relay;
    const char *what = "with something else than an event stream, and it is no "
                       "whole answer in JSON either";

    if (r->is_coded)
        what = "with a body that is compressed, although Sluice had asked for "
               "a plain one";
    else if (r->held.len > relay_held_max(x))
        what = "with JSON instead of an event stream, and it is too long for "
               "Sluice to make events of it";
    else if (whole_is_blank(&r->whole))
        what = "with nothing";
    else if (whole_is_cut(&r->whole))
        what = "with JSON instead of an event stream, and it ends in the "
               "middle";
    snprintf(text, size, "The upstream answered %d %s%s.", r->status, what,
             r->committed ? "; the client's 200 was sent while it waited" : "");
}

bool relay_has_ended(const struct exchange *x)
{
    return x->relay.mode == RELAY_STREAM &&
           sse_has_ended(&x->relay.sse, x->req->route->ends);
}

bool relay_tells_error(const struct exchange *x)
{
    if (route_tells(x->req->route) == ENDS_RESPONSE) /* it has an end for it */
        return false;
    return x->relay.told_error ||
           (x->relay.mode == RELAY_STREAM && x->relay.sse.has_error);
}

/* Ends what was sent of an event that stays a part. */
static void end_torn(struct exchange *x)
{
    if (x->relay.torn)
        relay_tell(x, "\n\n", 2);
    x->relay.torn = false;
}

/*
 * Sends what is held of an event without its blank line.  If one of ours makes
 * it an event that means something, it gets that; half a text behind an end
 * that was said already is of no use.
 */
static void send_rest(struct exchange *x, const struct sse *closed, bool closes)
{
    struct relay *r = &x->relay;
    bool had_error = r->sse.has_error;

    if (r->sse.has_done || (!closes && r->held.len == 0)) {
        relay_send_held_events(x);
        return;
    }
    if (!closes || (r->held.len > 0 && !r->torn &&
                    usage_hide_is(&r->hide, buf_head(&r->held), r->held.len))) {
        if (r->held.len > 0)
            usage_look(&r->usage, buf_head(&r->held), r->held.len);
        buf_free(&r->held);
        end_torn(x);
        return;
    }
    if (r->held.len > 0)
        request_stats_events(x, buf_head(&r->held), r->held.len);
    if (closed->has_error && !had_error)
        relay_note_error(x, "\n\n", 2);
    relay_send_held_events(x);
    relay_tell(x, "\n\n", 2);
    r->torn = false;
    r->sse = *closed;
}

static void end_translated(struct exchange *x)
{
    struct buf b = {NULL, 0, 0, 0};

    if (!translate_is_on(x))
        return;
    if (!translate_end(x, &b))
        x->relay.told_error = true;
    relay_emit_buf(x, &b);
}

/* A whole answer that was held. */
static bool finish_held(struct exchange *x)
{
    struct relay *r = &x->relay;

    conceal_answer(x, &r->held);
    if (translate_is_on(x)) {
        if (r->held.len > 0)
            usage_look(&r->usage, buf_head(&r->held), r->held.len);
        if (!translate_whole(x, &r->held)) {
            r->mode = RELAY_EXPLAIN; /* that it is none */
            return false;
        }
        relay_send_head(x, (int64_t)r->held.len);
        relay_emit_buf(x, &r->held);
        return true;
    }
    if (!relay_is_head_only(x)) {
        asked_for_tell(x, &r->held);
        models_retell(x, &r->held);
    }
    relay_send_head(x,
                    relay_is_head_only(x) ? r->length : (int64_t)r->held.len);
    relay_send_held(x);
    return true;
}

static bool finish_stream(struct exchange *x)
{
    struct relay *r = &x->relay;
    enum sse_ends ends = x->req->route->ends;
    bool must_end = ends != ENDS_ANYHOW && r->status == 200;
    struct sse closed = r->sse;
    bool closes = sse_close(&closed) && (r->held.len > 0 || r->torn);

    sse_end(&r->sse);
    if (must_end && !sse_has_ended(closes ? &closed : &r->sse, ends))
        return false;
    if (must_end)
        send_rest(x, &closed, closes);
    else
        relay_send_held_events(x);
    if (ends == ENDS_DONE && must_end && !r->sse.has_done && !r->sse.has_error)
        relay_tell(x, "data: [DONE]\n\n", 14);
    end_translated(x);
    r->torn = !sse_is_between(&r->sse); /* no comment into its last one */
    last_comment(x);
    return true;
}

bool relay_finish(struct exchange *x)
{
    switch (x->relay.mode) {
    case RELAY_NOTHING:
        return false;
    case RELAY_HOLD:
        if (is_cut(x))
            return false;
        return finish_held(x);
    case RELAY_PASS:
        return !is_cut(x);
    case RELAY_EXPLAIN:
        conceal_answer(x, &x->relay.held);
        if (!translate_is_on(x))
            asked_for_tell(x, &x->relay.held);
        return explain(x);
    case RELAY_STREAM:
        return finish_stream(x);
    }
    return false;
}

static struct error_event error_of(const struct exchange *x,
                                   const struct relay_error *e)
{
    const struct route *route = x->req->route;
    /* A response has our id, and its events are counted as we tell them. */
    bool is_made = translate_is_on(x) && route_tells(route) == ENDS_RESPONSE;

    return (struct error_event){
        .ends = route != NULL ? route_tells(route) : ENDS_ANYHOW,
        .status = e->status,
        .message = e->message,
        .type = e->type,
        .code = e->code,
        .id = is_made ? translate_id(x) : x->req->id,
        .model = x->req->asked_for != NULL ? x->req->asked_for
                                           : request_model(x->req),
        .number = is_made ? translate_events_told(x) : x->relay.sse.events,
        .now_s = (int64_t)time(NULL)};
}

/* Has it the shape of OpenAI's errors?  Ours have, and those that an upstream
 * writes for OpenAI's clients. */
static bool is_openais(const struct buf *json)
{
    static const char open[] = "{\"error\":";

    return json->len >= sizeof(open) &&
           memcmp(buf_head(json), open, sizeof(open) - 1) == 0;
}

/* In the shape that the client's API has for it, also where it was refused before
 * its path was looked at. */
static void put_error(struct buf *b, const struct exchange *x,
                      const struct relay_error *e)
{
    const struct error_event told = error_of(x, e);

    if (request_speaks_messages(x->req) && is_openais(e->json))
        error_event_message(b, &told);
    else
        buf_add(b, buf_head(e->json), e->json->len);
}

static void error_event(struct exchange *x, const struct relay_error *e)
{
    const struct error_event told = error_of(x, e);
    struct buf b = {NULL, 0, 0, 0};

    if (translate_is_on(x))
        translate_stop(x);
    end_torn(x);
    relay_end_comments(x);
    error_event_put(&b, &told);
    relay_emit_buf(x, &b);
    last_comment(x);
}

static void error_answer(struct exchange *x, const struct relay_error *e)
{
    struct buf answer = {NULL, 0, 0, 0}, json = {NULL, 0, 0, 0};
    struct relay_error told = *e;

    if (e->json->len > 0)
        put_error(&json, x, e);
    told.json = &json;
    heads_of_error(&answer, x, &told);
    if (!relay_is_head_only(x) && json.len > 0)
        buf_add(&answer, buf_head(&json), json.len);
    buf_free(&json);
    x->relay.head_sent = true;
    relay_emit_buf(x, &answer);
}

bool relay_error(struct exchange *x, const struct relay_error *e)
{
    struct relay *r = &x->relay;
    struct buf b = {NULL, 0, 0, 0};

    if (!r->head_sent) {
        error_answer(x, e);
        return true;
    }
    if (r->mode == RELAY_STREAM || (r->committed && r->as_events)) {
        error_event(x, e);
        /* Codex reads that of a response which may not come again only to a
         * good end, and so does not come again. */
        return route_tells(x->req->route) == ENDS_RESPONSE && e->status < 500;
    }
    if (!r->committed || r->mode == RELAY_PASS)
        return false;
    put_error(&b, x, e);
    relay_emit_buf(x, &b);
    return true;
}
