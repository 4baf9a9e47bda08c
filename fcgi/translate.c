/*
 * translate.c - what is an answer in chat's words to a client of another API?
 *
 *   relay.c, relay_end.c --> here --> a struct tongue
 *
 * The upstream's bytes go through all that looks at answers first (conceal.c,
 * usage.c, sse.c), as those of a chat request do; what is told of them is made
 * last.
 */
#include "fcgi/translate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fcgi/as_chat.h"
#include "fcgi/conceal.h"
#include "fcgi/messages/event_data.h"
#include "fcgi/route.h"
#include "fcgi/tongue.h"
#include "fcgi/upstream/upstream_error.h"

struct translate {
    const struct tongue *tongue;
    struct chat_stream *stream;
    struct event_data events;
    bool has_failed; /* an error was told: nothing may follow */
};

#define BAD_GATEWAY 502

bool translate_is_on(const struct exchange *x)
{
    return as_chat_is(x);
}

const char *translate_id(const struct exchange *x)
{
    const char *id = strchr(x->req->id, '_');

    return id != NULL ? id + 1 : x->req->id;
}

static struct tongue_told told_of(const struct exchange *x)
{
    return (struct tongue_told){
        .got = x->req->got,
        .id = translate_id(x),
        .now_s = (int64_t)time(NULL),
        .ratio_m = x->place.news.token_ratio_m,
    };
}

static struct translate *of(struct exchange *x)
{
    const struct tongue_told told = told_of(x);
    struct translate *t = x->relay.translate;

    if (t != NULL)
        return t;
    t = x->relay.translate = calloc(1, sizeof(*t));
    CHECK(t != NULL);
    t->tongue = x->req->got->by;
    t->stream = t->tongue->begin(&told);
    return t;
}

void translate_free(struct translate *t)
{
    if (t == NULL)
        return;
    t->tongue->end(t->stream);
    event_data_fini(&t->events);
    free(t);
}

/* ---- whole ------------------------------------------------------------------- */

bool translate_whole(struct exchange *x, struct buf *body)
{
    const struct tongue_told told = told_of(x);
    struct buf message = {NULL, 0, 0, 0};
    size_t len = body->len;

    *buf_room(body, 1) = '\0';
    if (x->req->got->by->answer(buf_head(body), len, &told, &message) == -1)
        return false;
    buf_free(body);
    *body = message;
    return true;
}

/* ---- a stream ---------------------------------------------------------------- */

static void fail(struct translate *t, int status, const char *words,
                 struct buf *out)
{
    t->has_failed = true;
    chat_stream_fail(t->stream, status, words, out);
}

/* An error of the upstream's in its stream; a status that none says is that of
 * a bad gateway. */
static void tell_theirs(struct exchange *x, const char *data, size_t len,
                        struct buf *out)
{
    struct upstream_error_words w;

    upstream_error_read(&w, BAD_GATEWAY, NULL, data, len, false);
    conceal_words(x, &w);
    fail(x->relay.translate, w.status != 0 ? w.status : BAD_GATEWAY, w.message,
         out);
}

/* The DATA of an event.  False: it was the end of all. */
static bool take_event(struct exchange *x, const char *data, size_t len,
                       struct buf *out)
{
    struct translate *t = x->relay.translate;

    switch (chat_stream_event(t->stream, data, len, out)) {
    case CHAT_PART:
        return true;
    case CHAT_DONE:
        (void)chat_stream_end(t->stream, out);
        return false;
    case CHAT_ERROR:
        tell_theirs(x, data, len, out);
        return false;
    case CHAT_BROKEN:
        break;
    }
    fail(t, BAD_GATEWAY,
         "The upstream's answer cannot be understood, or holds too much.", out);
    return false;
}

void translate_head(struct exchange *x, struct buf *out)
{
    if (translate_is_on(x) && !as_chat_is_open(x->req) &&
        x->req->got->by->ping != NULL)
        chat_stream_head(of(x)->stream, out);
}

bool translate_events(struct exchange *x, const char *data, size_t len,
                      struct buf *out)
{
    struct translate *t = of(x);
    const char *p = data, *end = data + len;
    bool had_failed = t->has_failed, goes_on = !t->stream->is_over;

    while (goes_on && event_data_next(&t->events, &p, end))
        goes_on =
            take_event(x, buf_head(&t->events.data), t->events.data.len, out);
    if (goes_on && t->events.is_long)
        fail(t, BAD_GATEWAY, "An event of the upstream's answer is too long.",
             out);
    return had_failed || !t->has_failed;
}

bool translate_text(struct exchange *x, const char *json, size_t len,
                    struct buf *out)
{
    struct translate *t = of(x);
    struct buf events = {NULL, 0, 0, 0};
    bool is_told =
        chat_stream_event(t->stream, json, len, &events) == CHAT_PART &&
        t->stream->end.has_reason && chat_stream_end(t->stream, &events);

    if (is_told && events.len > 0)
        buf_add(out, buf_head(&events), events.len);
    buf_free(&events);
    return is_told;
}

bool translate_end(struct exchange *x, struct buf *out)
{
    struct translate *t = of(x);

    if (!t->stream->is_over && event_data_last(&t->events))
        (void)take_event(x, buf_head(&t->events.data), t->events.data.len, out);
    if (!t->stream->is_over && !chat_stream_end(t->stream, out))
        t->has_failed = true;
    return !t->has_failed;
}

void translate_stop(struct exchange *x)
{
    of(x)->stream->is_over = of(x)->has_failed = true;
}

uint32_t translate_events_told(const struct exchange *x)
{
    const struct translate *t = x->relay.translate;

    return t != NULL && t->tongue->events != NULL ? t->tongue->events(t->stream)
                                                  : 0;
}
