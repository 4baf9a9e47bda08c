/*
 * as_chat.c - how is a request in the words of another API asked of an upstream
 * that speaks chat?
 *
 *   receive.c --> as_chat_make()     before the body is read (body.c): from then
 *                                    on it is a chat request, on a route of its
 *                                    own, that counts and waits as others do
 *   attempt.c --> as_chat_choose()   when its upstream is known
 *
 * Where some upstreams speak that API and some do not, the body is kept as it
 * came, too; what cannot be said in chat's words goes to the former alone, and
 * where there is none its client is told why.
 */
#include "fcgi/as_chat.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/fields.h"
#include "fcgi/fault.h"
#include "fcgi/route.h"
#include "fcgi/tongue.h"

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

static bool read_all(struct request *r, const struct asking *how,
                     struct buf *chat, struct messages_fault *fault)
{
    const struct tongue *by = r->got->by;
    const char *body;

    if (r->body.len >= 3 && memcmp(buf_head(&r->body), "\xef\xbb\xbf", 3) == 0)
        buf_take(&r->body, 3);
    *buf_room(&r->body, 1) = '\0';
    body = buf_head(&r->body);
    if (r->route->is_inference)
        return by->ask(body, r->body.len, how, chat, r->got, fault) == 0;
    return by->count(body, r->body.len, r->got, fault) == 0;
}

/* One big body at a time; its tree is some times its size. */
static bool read_one(struct request *r, const struct asking *how,
                     struct buf *chat, struct messages_fault *fault)
{
    bool is_big = r->body.len > JSON_BIG, done;

    if (is_big)
        pthread_mutex_lock(&big_one);
    done = read_all(r, how, chat, fault);
    if (is_big) {
        malloc_trim(0);
        pthread_mutex_unlock(&big_one);
    }
    return done;
}

static void tell_fault(struct request *r, const struct messages_fault *fault)
{
    enum error_code code =
        fault->status == 413 ? ERROR_TOO_LARGE : ERROR_BAD_REQUEST;

    fault_set(&r->fault, fault->is_thread ? ERROR_THREAD : code, "%s",
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
    (void)snprintf(r->user, sizeof(r->user), "%s", r->got->user);
    r->route = r->came_by->twin;
}

const char *as_chat_protocol(const struct request *r)
{
    return r->route != NULL && r->route->twin != NULL
               ? r->route->twin->tongue->protocol
               : NULL;
}

/* Is it answered without a look at its body, if nobody speaks its API? */
static bool is_simple(const struct request *r)
{
    return !r->route->is_inference && r->route->twin->tongue->count == NULL;
}

void as_chat_make(struct request *r, enum protocols_who who,
                  const struct asking *how)
{
    bool is_open = who == PROTOCOLS_SOME;
    struct messages_fault fault = {.status = 0};
    struct buf chat = {NULL, 0, 0, 0};

    if (r->route == NULL || r->route->twin == NULL || who == PROTOCOLS_ALL)
        return;
    if (is_simple(r)) {
        r->route = is_open ? r->route : r->route->twin;
        return;
    }
    r->came_by = r->route;
    r->got = calloc(1, sizeof(*r->got));
    CHECK(r->got != NULL);
    r->got->by = r->route->twin->tongue;
    if (is_sound(r) && read_one(r, how, &chat, &fault)) {
        if (r->route->is_inference || !is_open)
            become(r, &chat, is_open);
        return;
    }
    buf_free(&chat);
    if (is_open) { /* nobody but those who know better can say */
        tongue_forget(r->got);
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

static bool knows_it(const struct exchange *x)
{
    return protocols_has(&x->s->cfg->upstreams[x->attempt.upstream],
                         x->req->got->by->protocol);
}

bool as_chat_is_answer(struct exchange *x)
{
    struct request *r = x->req;

    if (r->got == NULL || r->route->twin == NULL || r->route->is_inference ||
        knows_it(x))
        return false;
    r->route = r->route->twin;
    return true;
}

void as_chat_choose(struct exchange *x)
{
    struct request *r = x->req;

    if (as_chat_is_open(r))
        r->route = knows_it(x) ? r->came_by : r->came_by->twin;
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
