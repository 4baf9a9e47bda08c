/*
 * store.c - is there a store, and what becomes of a call?
 *
 *   store_link.c   the connection for calls        store_push.c   for news
 *   store_ask.c    a question in words             store_answer.c and back
 *
 * EVALSHA; where a restart or SCRIPT FLUSH has taken the script, it is loaded
 * and the same words are sent once more: their ages are up to when they were
 * written, so nothing in them is wrong for being late.
 *
 * A call that fails in any way ends the connection.  What it did is not known,
 * and the next one begins by settling everything.
 *
 * A reason is logged when it is another one than before; "found" is not, until
 * calls were answered for a second: a store that greets and then takes no writes
 * comes and goes in silence.
 */
#include "fcgi/store/store.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/store_url.h"
#include "fcgi/store/store_answer.h"
#include "fcgi/store/store_ask.h"
#include "fcgi/store/store_hello.h"
#include "fcgi/store/store_link.h"
#include "fcgi/store/store_push.h"
#include "fcgi/store/store_tls.h"
#include "fcgi/store/store_turn.h"
#include "fcgi/store/store_words.h"
#include "lib/base.h"
#include "lib/clock.h"
#include "lib/complaint.h"
#include "lib/fnv.h"
#include "lib/log.h"
#include "lib/loop.h"

#define CALL_NS     (1 * NS_PER_S) /* then it is lost: a lease has three */
#define PROVEN_NS   (1 * NS_PER_S) /* it has answered for so long */
#define NAME_MAX_   64 /* of a host and of an account, zero included */
#define WHY_MAX     512
#define WORDS_SHOWN 120 /* bytes of an error that nobody knows */

enum doing { NOTHING = 0, CALLING, LOADING };

struct store {
    struct loop *loop;
    const struct store_calls *calls;
    void *arg;
    struct log *log;

    struct store_url url;
    struct ssl_ctx_st *tls;
    char account[NAME_MAX_ + 1], name[NAME_MAX_];
    char channels[2][STORE_KEY_MAX];
    struct store_link_set link_set;
    struct store_link *link;
    struct store_push_set push_set;
    struct store_push *push;

    enum doing doing;
    bool reloaded; /* the script, for this call */
    struct loop_timer timer;
    struct store_words words; /* of the call that is under way */
    int64_t up_ns, asked_ns, rtt_ns;
    struct shared_answer answer;

    enum store_fault told; /* in the log; STORE_FINE: that it is there */
    enum store_fault push_told;
    bool ever_told;
    char why[WHY_MAX]; /* as is_down() heard it; "": it is up */
};

/* ---- loss ------------------------------------------------------------------------ */

/* Who controls the store knows the password and may say it back to us. */
static const char *concealed(const struct store *s, const char *why)
{
    if (*s->url.password != '\0' && strstr(why, s->url.password) != NULL)
        return "it quotes our password, so its words are not shown";
    return why;
}

/* Once for each reason: a store that is away for a night is one line. */
static void tell_loss(struct store *s, enum store_fault f, const char *why)
{
    if (f == s->told)
        return;
    s->told = f;
    s->ever_told = true;
    log_say(s->log, LOG_WARN_, "store", "%s", why);
}

static void on_lost(void *arg, enum store_fault f, const char *why)
{
    struct store *s = arg;

    loop_cancel(s->loop, &s->timer);
    s->doing = NOTHING;
    store_push_stop(s->push);
    why = concealed(s, why);
    tell_loss(s, f, why);
    if (strcmp(s->why, why) == 0)
        return;
    (void)snprintf(s->why, sizeof(s->why), "%s", why);
    s->calls->is_down(s->arg, s->why);
}

/* Of a call: what it did there is not known. */
static void drop(struct store *s, enum store_fault f, const char *why)
{
    store_link_drop(s->link, f, why);
}

/* A half-open connection, or a store that is too busy: a host cannot wait for it
 * any longer, because its leases end. */
static void on_late(void *arg)
{
    drop(arg, STORE_SILENT, NULL);
}

/* ---- calls ------------------------------------------------------------------------ */

static void on_up(void *arg)
{
    struct store *s = arg;

    s->why[0] = '\0';
    s->up_ns = clock_now_ns();
    s->rtt_ns = 0; /* of a call to whoever was there before */
    store_push_start(s->push, store_link_spot(s->link),
                     store_link_host(s->link));
    s->calls->is_up(s->arg);
}

/* Never 0, which is none. */
static uint64_t number_of(const char *run)
{
    return fnv(FNV_BEGIN, run, strlen(run)) | 1;
}

int store_call(struct store *s, const struct shared_ask *ask)
{
    struct store_said said = {.account = s->account, .name = s->name};

    if (!store_may_call(s))
        return -1;
    said.run = store_link_hello(s->link)->server.run;
    said.run_number = number_of(said.run);
    said.rtt_ns = s->rtt_ns;
    said.now_ns = s->asked_ns = clock_now_ns();
    s->doing = CALLING;
    s->reloaded = false;
    store_words_reset(&s->words);
    if (store_link_hello(s->link)->function) {
        store_words_str(&s->words, "FCALL");
        store_words_str(&s->words, store_turn_name);
    } else {
        store_words_str(&s->words, "EVALSHA");
        store_words_str(&s->words, store_link_hello(s->link)->sha);
    }
    store_ask_put(&s->words, ask, &said);
    loop_at(s->loop, &s->timer, s->asked_ns + CALL_NS);
    store_link_send(s->link, &s->words);
    return 0;
}

/* At most once a call: a store that forgets it each time is of no use. */
static void load_script(struct store *s)
{
    struct store_words w = {.n = 0};

    s->doing = LOADING;
    s->reloaded = true;
    if (store_link_hello(s->link)->function) {
        store_words_str(&w, "FUNCTION");
        store_words_str(&w, "LOAD");
        store_words_str(&w, "REPLACE"); /* another host may be first */
        store_words_str(&w, store_turn_library);
    } else {
        store_words_str(&w, "SCRIPT");
        store_words_str(&w, "LOAD");
        store_words_str(&w, store_turn_lua);
    }
    store_link_send(s->link, &w);
    store_words_free(&w);
}

/* The script checks what it is asked before it writes: such an error is a bug of
 * ours, and told in its words. */
static void take_error(struct store *s, const redisReply *r)
{
    enum store_fault f = store_fault_of(r->str, r->len);
    char text[WHY_MAX];
    struct complaint why = {text, sizeof(text)};

    if (store_fault_is_noscript(r->str, r->len) && !s->reloaded) {
        load_script(s);
        return;
    }
    (void)complain(&why, "a call fails there: %.*s", WORDS_SHOWN, r->str);
    drop(s, f, text);
}

static bool has_stood(const struct store *s)
{
    return clock_now_ns() - s->up_ns >= PROVEN_NS;
}

/* An answer: it is what it should be.  One that then fails again, as a store at
 * the edge of its memory does, has not proven anything by it. */
static void be_proven(struct store *s)
{
    const struct store_hello *h = store_link_hello(s->link);

    if (has_stood(s))
        store_link_proven(s->link);
    if (s->ever_told && (s->told == STORE_FINE || !has_stood(s)))
        return;
    s->told = STORE_FINE;
    s->ever_told = true;
    log_say(s->log, LOG_INFO_, "store",
            "%s answers in %.1f ms (version %s, account %s)",
            store_link_host(s->link), (double)s->rtt_ns / NS_PER_MS,
            h->server.version, s->account);
    if (store_check_advice(&h->server) != NULL)
        log_say(s->log, LOG_WARN_, "store", "%s: %s", store_link_host(s->link),
                store_check_advice(&h->server));
}

static void take_answer(struct store *s, const redisReply *r)
{
    char text[WHY_MAX] = "";
    struct complaint why = {text, sizeof(text)};

    loop_cancel(s->loop, &s->timer);
    s->doing = NOTHING;
    s->rtt_ns = max_i64(clock_now_ns() - s->asked_ns, 1);
    switch (store_answer_read(&s->answer, r, s->asked_ns, &why)) {
    case STORE_ANSWER_OK:
        s->answer.run = number_of(store_link_hello(s->link)->server.run);
        be_proven(s);
        s->calls->answered(s->arg, &s->answer);
        break;
    case STORE_ANSWER_STALE:
        s->calls->stale(s->arg);
        break;
    case STORE_ANSWER_PROTO:
        drop(s, STORE_OTHER_PROTOCOL, text);
        break;
    case STORE_ANSWER_STRANGE:
        drop(s, STORE_STRANGE, text);
        break;
    }
}

/* Exactly one reply is to come, of what is being done. */
static void on_reply(void *arg, const struct redisReply *r)
{
    struct store *s = arg;

    if (s->doing == NOTHING)
        drop(s, STORE_STRANGE, "it says what nobody has asked for");
    else if (r->type == REDIS_REPLY_ERROR)
        take_error(s, r);
    else if (s->doing == CALLING)
        take_answer(s, r);
    else {
        s->doing = CALLING;
        store_link_send(s->link, &s->words);
    }
}

/* ---- news ------------------------------------------------------------------------- */

/* What the message says is not looked at: the next call asks for all of it. */
static void on_pushed(void *arg)
{
    struct store *s = arg;

    s->push_told = STORE_FINE;
    s->calls->pushed(s->arg);
}

static void on_deaf(void *arg, enum store_fault f, const char *why)
{
    struct store *s = arg;

    if (f == s->push_told)
        return;
    s->push_told = f;
    log_say(s->log, LOG_WARN_, "store",
            "no news can be had from %s (%s); changes of other hosts come with "
            "the next poll",
            store_link_host(s->link), concealed(s, why));
}

/* ---- life ------------------------------------------------------------------------- */

static const struct store_link_calls link_calls = {on_up, on_reply, on_lost};
static const struct store_push_calls push_calls = {on_pushed, on_deaf};

/* Settings may be freed by a reload while we live. */
static int copy_config(struct store *s, const struct store_config *c,
                       struct complaint *why)
{
    const char *fault = store_url_read(&s->url, c->url);
    char wake[5 + SHARED_HOST_MAX];

    if (fault != NULL)
        return complain(why, "shared.url: %s", fault);
    if (c->password != NULL &&
        snprintf(s->url.password, sizeof(s->url.password), "%s", c->password) >=
            (int)sizeof(s->url.password))
        return complain(why, "shared.password_file: it is too long");
    (void)snprintf(s->account, sizeof(s->account), "%s", c->account);
    (void)snprintf(s->name, sizeof(s->name), "%s", c->name);
    (void)snprintf(wake, sizeof(wake), "wake:%016jx", (uintmax_t)c->host);
    store_ask_key(s->channels[0], s->account, wake);
    store_ask_key(s->channels[1], s->account, "wake:all");
    if (s->url.tls && (s->tls = store_tls_new(c->tls_ca, why)) == NULL)
        return -1;
    return 0;
}

/* Neither begins to connect before the loop runs again. */
static int open_parts(struct store *s, uint64_t seed, struct complaint *why)
{
    s->link_set =
        (struct store_link_set){&s->url, s->tls, store_turn_lua, seed};
    s->push_set = (struct store_push_set){
        &s->url, s->tls, {s->channels[0], s->channels[1]}, ~seed};
    s->push = store_push_new(s->loop, &s->push_set, &push_calls, s);
    s->link = store_link_new(s->loop, &s->link_set, &link_calls, s);
    if (s->push == NULL || s->link == NULL)
        return complain(why, "there is no memory for the store");
    return 0;
}

struct store *store_open(struct loop *loop, const struct store_config *config,
                         const struct store_calls *calls, void *arg,
                         struct complaint *why)
{
    struct store *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        (void)complain(why, "there is no memory for the store");
        return NULL;
    }
    s->loop = loop;
    s->calls = calls;
    s->arg = arg;
    s->log = config->log;
    s->timer.fn = on_late;
    s->timer.arg = s;
    if (copy_config(s, config, why) == -1 ||
        open_parts(s, config->host ^ (uint64_t)clock_now_ns(), why) == -1) {
        store_close(s);
        return NULL;
    }
    return s;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    loop_cancel(s->loop, &s->timer);
    store_push_free(s->push);
    store_link_free(s->link);
    store_tls_free(s->tls);
    store_words_free(&s->words);
    store_url_wipe(&s->url);
    free(s);
}

bool store_is_up(const struct store *s)
{
    return store_link_is_up(s->link);
}

bool store_may_call(const struct store *s)
{
    return store_link_is_up(s->link) && s->doing == NOTHING;
}

int64_t store_rtt_ns(const struct store *s)
{
    return s->rtt_ns;
}
