/*
 * store_push.c - has anybody changed something that concerns us?
 *
 * A connection of its own, for one that has subscribed can do nothing else in
 * RESP2.  It goes where the calls go, when they go.  What a message says is not
 * read: it is a reason to make a call, and a call asks for all there is.
 *
 * Messages are lost with the connection, and a half-open one is silent like one
 * with nothing to tell: hence a PING now and then, which must be answered.
 */
#include "fcgi/store/store_push.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/store_url.h"
#include "fcgi/store/store_hello.h"
#include "fcgi/store/store_pause.h"
#include "fcgi/store/store_spot.h"
#include "fcgi/store/store_wire.h"
#include "fcgi/store/store_words.h"
#include "lib/base.h"
#include "lib/complaint.h"
#include "lib/loop.h"

#define ANSWER_NS (1 * NS_PER_S) /* to connect and subscribe; to PING */
#define PING_NS   (2 * NS_PER_S) /* between two */
#define WHY_MAX   256

enum phase { OFF = 0, RESTING, DIALING, LISTENING, PINGING };

struct store_push {
    struct loop *loop;
    const struct store_push_set *set;
    const struct store_push_calls *calls;
    void *arg;

    enum phase phase;
    struct loop_timer timer;
    struct store_wire *wire;
    size_t oks;    /* replies to AUTH that are to come */
    size_t topics; /* subscriptions that are to come */
    struct store_spot spot;
    char host[STORE_HOST_MAX];
    struct store_pause pause;
};

static void enter(struct store_push *p, enum phase phase, int64_t ns)
{
    p->phase = phase;
    loop_at(p->loop, &p->timer, loop_now(p->loop) + ns);
}

/* Over for now; it goes on by itself, for it is not worth the calls' end. */
static void failed(struct store_push *p, enum store_fault f, const char *why)
{
    store_wire_free(p->wire);
    p->wire = NULL;
    enter(p, RESTING, store_pause_next(&p->pause));
    /* The first time it may be the end of the other connection, which says so
     * itself; or it is mended at once, and pushed() makes good for it. */
    if (p->pause.fails > 1)
        p->calls->deaf(p->arg, f,
                       store_fault_line(f) != NULL ? store_fault_line(f) : why);
}

/* ---- on the wire ------------------------------------------------------------------ */

static void on_up(void *arg)
{
    struct store_push *p = arg;
    struct store_words w = {.n = 0};

    p->oks = store_hello_auth(p->wire, p->set->url);
    p->topics = ARRAY_LEN(p->set->channels);
    store_words_str(&w, "SUBSCRIBE");
    store_words_str(&w, p->set->channels[0]);
    store_words_str(&w, p->set->channels[1]);
    store_wire_send(p->wire, &w);
    store_words_free(&w);
}

/* A message is a list, and its first word says of which kind. */
static bool begins(const redisReply *r, const char *word)
{
    const redisReply *first;

    if (r->type != REDIS_REPLY_ARRAY || r->elements == 0)
        return false;
    first = r->element[0];
    return first->type == REDIS_REPLY_STRING && first->len == strlen(word) &&
           memcmp(first->str, word, first->len) == 0;
}

/* One reply for each channel.  From now on no message is missed; what came before
 * may have been. */
static void subscribed(struct store_push *p)
{
    if (--p->topics > 0)
        return;
    p->pause.fails = 0;
    enter(p, LISTENING, PING_NS);
    p->calls->pushed(p->arg);
}

/* Of AUTH, or because our user may not SUBSCRIBE. */
static void take_error(struct store_push *p, const redisReply *r)
{
    enum store_fault f = store_fault_of(r->str, r->len);

    failed(p, f, "it cannot be subscribed to");
}

static void on_reply(void *arg, const struct redisReply *r)
{
    struct store_push *p = arg;

    if (r->type == REDIS_REPLY_ERROR)
        take_error(p, r);
    else if (p->oks > 0)
        p->oks--;
    else if (p->topics > 0 && begins(r, "subscribe"))
        subscribed(p);
    else if (p->topics == 0 && begins(r, "message"))
        p->calls->pushed(p->arg);
    else if (p->phase == PINGING && begins(r, "pong"))
        enter(p, LISTENING, PING_NS);
    else
        failed(p, STORE_STRANGE, "it does not answer as Redis and Valkey do");
}

static void on_lost(void *arg, enum store_fault f, const char *why)
{
    failed(arg, f, why);
}

static const struct store_wire_calls wire_calls = {on_up, on_reply, on_lost};

/* ---- time ------------------------------------------------------------------------- */

static void dial(struct store_push *p)
{
    char text[WHY_MAX];
    struct complaint why = {text, sizeof(text)};

    enter(p, DIALING, ANSWER_NS);
    p->wire = store_wire_open(p->loop, &p->spot, p->set->tls, p->host,
                              &wire_calls, p, &why);
    if (p->wire == NULL)
        failed(p, STORE_AWAY, text);
}

/* In RESP2 one that has subscribed may still say PING. */
static void ping(struct store_push *p)
{
    struct store_words w = {.n = 0};

    store_words_str(&w, "PING");
    store_wire_send(p->wire, &w);
    store_words_free(&w);
    enter(p, PINGING, ANSWER_NS);
}

static void on_time(void *arg)
{
    struct store_push *p = arg;

    switch (p->phase) {
    case RESTING:
        dial(p);
        break;
    case LISTENING:
        ping(p);
        break;
    case DIALING:
    case PINGING:
        failed(p, STORE_SILENT, NULL);
        break;
    case OFF:
        break;
    }
}

/* ---- for its owner ----------------------------------------------------------------- */

struct store_push *store_push_new(struct loop *loop,
                                  const struct store_push_set *set,
                                  const struct store_push_calls *calls,
                                  void *arg)
{
    struct store_push *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->loop = loop;
    p->set = set;
    p->calls = calls;
    p->arg = arg;
    p->pause.seed = set->seed | 1;
    p->timer.fn = on_time;
    p->timer.arg = p;
    return p;
}

void store_push_stop(struct store_push *p)
{
    store_wire_free(p->wire);
    p->wire = NULL;
    loop_cancel(p->loop, &p->timer);
    p->phase = OFF;
}

void store_push_start(struct store_push *p, const struct store_spot *spot,
                      const char *host)
{
    store_push_stop(p);
    p->spot = *spot;
    memcpy(p->host, host, strnlen(host, sizeof(p->host) - 1) + 1);
    p->host[sizeof(p->host) - 1] = '\0';
    /* Not from here, but at once: nobody is called back out of his own call. */
    enter(p, RESTING, p->pause.fails > 0 ? store_pause_next(&p->pause) : 0);
}

void store_push_free(struct store_push *p)
{
    if (p == NULL)
        return;
    store_push_stop(p);
    free(p);
}
