/*
 * as_chat.c - how is a Messages request asked of an upstream that speaks chat?
 *
 *   receive.c --> as_chat_make()     before the body is read (body.c): from then
 *                                    on it is a chat request, on a route of its
 *                                    own, that counts and waits as others do
 *   attempt.c --> as_chat_choose()   when its upstream is known
 *
 * Where some upstreams speak Messages and some do not, the body is kept as it
 * came, too; what cannot be said in chat's words goes to the former alone, and
 * where there is none its client is told why.
 */
#include "fcgi/as_chat.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/fault.h"
#include "fcgi/messages/messages.h"
#include "fcgi/route.h"

#define CHAT_PATH "/v1/chat/completions"

/* As in body.c: one big parse at a time. */
static pthread_mutex_t big_one = PTHREAD_MUTEX_INITIALIZER;

/* ---- reading ----------------------------------------------------------------- */

/* Else body.c says what is wrong with it. */
static bool is_sound(const struct request *r)
{
    return r->fault.status == 0 && r->body.len > 0 &&
           (r->content_length < 0 ||
            r->content_length == (int64_t)r->body.len) &&
           (!r->has_type || r->is_json);
}

static bool read_all(struct request *r, struct buf *chat,
                     struct messages_fault *fault)
{
    static const struct messages_ask ask = {.usage_by_caller = true};
    const char *body;

    if (r->body.len >= 3 && memcmp(buf_head(&r->body), "\xef\xbb\xbf", 3) == 0)
        buf_take(&r->body, 3);
    *buf_room(&r->body, 1) = '\0';
    body = buf_head(&r->body);
    if (r->route->is_inference)
        return messages_request(body, r->body.len, &ask, chat, r->got, fault) ==
               0;
    return messages_count(body, r->body.len, 0, &r->got->tokens_in, fault) == 0;
}

/* One big body at a time; its tree is some times its size. */
static bool read_one(struct request *r, struct buf *chat,
                     struct messages_fault *fault)
{
    bool is_big = r->body.len > JSON_BIG, done;

    if (is_big)
        pthread_mutex_lock(&big_one);
    done = read_all(r, chat, fault);
    if (is_big) {
        malloc_trim(0);
        pthread_mutex_unlock(&big_one);
    }
    return done;
}

static void tell_fault(struct request *r, const struct messages_fault *fault)
{
    fault_set(&r->fault,
              fault->status == 413 ? ERROR_TOO_LARGE : ERROR_BAD_REQUEST, "%s",
              fault->words);
}

/* CHAT takes the place of R's body. */
static void become(struct request *r, struct buf *chat, bool is_open)
{
    if (is_open)
        r->as_came = r->body;
    else
        buf_free(&r->body);
    buf_fit(chat);
    r->body = *chat;
    r->content_length = -1; /* it was of the other */
    memcpy(r->user, r->got->user, sizeof(r->user));
    r->route = r->came_by->twin;
}

void as_chat_make(struct request *r, enum protocols_who who)
{
    bool is_open = who == PROTOCOLS_SOME;
    struct messages_fault fault = {.status = 0};
    struct buf chat = {NULL, 0, 0, 0};

    if (r->route == NULL || r->route->twin == NULL || who == PROTOCOLS_ALL)
        return;
    r->came_by = r->route;
    r->got = calloc(1, sizeof(*r->got));
    CHECK(r->got != NULL);
    if (is_sound(r) && read_one(r, &chat, &fault)) {
        if (r->route->is_inference || !is_open)
            become(r, &chat, is_open);
        return;
    }
    buf_free(&chat);
    if (is_open) { /* nobody but those who know better can say */
        free(r->got);
        r->got = NULL;
        return;
    }
    r->route = r->came_by->twin;
    if (fault.status != 0)
        tell_fault(r, &fault);
    else if (!r->route->proxied)
        fault_bad(&r->fault, "The body must be a JSON object, of the type "
                             "application/json.");
}

/* ---- sending ----------------------------------------------------------------- */

static bool knows_messages(const struct exchange *x)
{
    return protocols_has_messages(&x->s->cfg->upstreams[x->attempt.upstream]);
}

bool as_chat_is_answer(struct exchange *x)
{
    struct request *r = x->req;

    if (r->got == NULL || r->route->twin == NULL || r->route->is_inference ||
        knows_messages(x))
        return false;
    r->route = r->route->twin;
    return true;
}

void as_chat_choose(struct exchange *x)
{
    struct request *r = x->req;

    if (as_chat_is_open(r))
        r->route = knows_messages(x) ? r->came_by : r->came_by->twin;
}

const struct buf *as_chat_body(const struct exchange *x)
{
    const struct request *r = x->req;

    return as_chat_is_open(r) && !as_chat_is(x) ? &r->as_came : &r->body;
}

const char *as_chat_target(const struct exchange *x)
{
    return as_chat_is(x) ? CHAT_PATH : x->req->target;
}
