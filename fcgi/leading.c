/*
 * leading.c - does this worker speak for its host to the shared store?
 *
 *   each step   may we lead?   no: no connection
 *                              yes: a connection, and a call whenever one is due
 *   answered    into the shared state; a turn hands out what it brought
 *   down        the shared state knows, and all workers by it
 *
 * What is said and what comes of it is state/'s (leader.h); how it gets there,
 * store/'s.
 */
#include "fcgi/leading.h"

#include <stdlib.h>
#include <string.h>

#include "fcgi/adopt.h"
#include "fcgi/config/config.h"
#include "fcgi/config/terms.h"
#include "fcgi/shared_terms.h"
#include "fcgi/sluice.h"
#include "fcgi/store/store.h"
#include "lib/clock.h"
#include "lib/complaint.h"
#include "lib/log.h"
#include "state/leader.h"

#define SIGN_NS (100 * NS_PER_MS) /* of life, while no call can be made */

struct leading {
    struct sluice *s;
    struct store *store; /* NULL: another worker leads */
    struct loop_timer timer;
    bool pushed;         /* the store has called */
    bool failed;         /* to be made, which was said */
    bool adopting;       /* another host's settings */
    bool too_large;      /* ours are, which was said */
    uint64_t put_hash;   /* of our settings, at the last call */
    uint64_t generation; /* and as they were then */
    struct shared_terms terms;
    struct shared_ask *ask;
};

/* ---- what an operator has changed ------------------------------------------------ */

static uint64_t hash_of_ours(struct leading *l)
{
    return shared_terms_hash(&l->terms, adopt_terms(l->s->adopt));
}

/* Whatever came of another host's settings: these are ours now, and no change. */
static void settle_settings(struct leading *l, int64_t now)
{
    struct shared_settings are = limiter_store_settings(l->s->lim);

    if (!l->adopting || adopt_is_busy(l->s->adopt))
        return;
    are.hash = hash_of_ours(l);
    l->adopting = !limiter_store_settle(l->s->lim, &are, now);
}

/* Too late, and the store says so: then what is there comes with the answer. */
static void say_settings(struct leading *l, struct shared_ask *ask)
{
    const struct shared_settings are = limiter_store_settings(l->s->lim);
    struct shared_put *p = &ask->puts[ask->n_puts];
    size_t len;
    const char *text =
        shared_terms_text(&l->terms, adopt_terms(l->s->adopt), &len);

    l->put_hash = hash_of_ours(l);
    if (ask->n_puts == SHARED_PUTS || l->adopting || l->put_hash == are.hash ||
        (are.version == 0 && strcmp(text, SHARED_TERMS_PLAIN) == 0))
        return;
    if (len > SHARED_BLOB_MAX) {
        if (!l->too_large)
            log_say(l->s->log, LOG_ERROR_, "store",
                    "live settings and keys take %zu bytes, and other hosts "
                    "hear of them up to %d: they go on with theirs",
                    len, SHARED_BLOB_MAX);
        l->too_large = true;
        return;
    }
    memset(p, 0, sizeof(*p));
    memcpy(p->name, SHARED_SETTINGS, sizeof(SHARED_SETTINGS));
    p->base = are.version;
    p->blob = (const uint8_t *)text;
    p->len = (uint32_t)len;
    ask->n_puts++;
}

/* ---- what the store says ------------------------------------------------------ */

/* Whatever was asked before is of another connection. */
static void on_up(void *arg)
{
    struct leading *l = arg;

    limiter_store_failed(l->s->lim, clock_now_ns());
    l->pushed = true;
}

static void on_down(void *arg, const char *why)
{
    struct leading *l = arg;

    (void)why; /* is logged there */
    limiter_store_failed(l->s->lim, clock_now_ns());
    limiter_store_lost(l->s->lim, clock_now_ns());
}

/* Live settings and keys go as one value: whoever comes too late takes what is
 * there.  Its own change is overridden, and the log of both hosts says so. */
static void hear_settings(struct leading *l, const struct shared_value *v)
{
    struct shared_settings are = {v->version, l->put_hash};

    if (!v->own) {
        are.hash = hash_of_ours(l);
        adopt_shared(l->s->adopt, (const char *)v->blob, v->len);
        l->adopting = true;
    }
    if (!limiter_store_settle(l->s->lim, &are, clock_now_ns()))
        l->adopting = true; /* once more, with the next call */
}

static void on_answered(void *arg, const struct shared_answer *answer)
{
    struct leading *l = arg;
    uint32_t i;

    for (i = 0; i < answer->n_values; i++)
        if (strcmp(answer->values[i].name, SHARED_SETTINGS) == 0)
            hear_settings(l, &answer->values[i]);
    if (limiter_store_answer(l->s->lim, l->ask, answer, clock_now_ns()))
        l->s->turn_due = true;
}

/* The next step closes the connection, if the shared state says the same. */
static void on_stale(void *arg)
{
    struct leading *l = arg;

    limiter_store_failed(l->s->lim, clock_now_ns());
}

static void on_pushed(void *arg)
{
    ((struct leading *)arg)->pushed = true;
}

static const struct store_calls calls = {on_up, on_down, on_answered, on_stale,
                                         on_pushed};

/* ---- the step --------------------------------------------------------------------- */

/* Once more with each sign of life while it cannot be made; it is said once. */
static void open_store(struct leading *l)
{
    const struct config *cfg = l->s->cfg;
    const struct store_config how = {
        .url = cfg->shared_url,
        .password = cfg->shared_password,
        .account = cfg->shared_account,
        .name = cfg->shared_name,
        .tls_ca = cfg->shared_tls_ca,
        .host = limiter_store_host(l->s->lim),
        .log = l->s->log,
    };
    char err[256] = "";
    struct complaint why = {err, sizeof(err)};

    l->store = store_open(l->s->loop, &how, &calls, l, &why);
    if (l->store == NULL && !l->failed)
        log_say(l->s->log, LOG_ERROR_, "store", "%s", err);
    l->failed = l->store == NULL;
}

/* The lock on what is said is the epoch: whoever leads now has a newer one. */
static void close_store(struct leading *l)
{
    store_close(l->store);
    l->store = NULL;
    loop_cancel(l->s->loop, &l->timer);
}

/* No call can be made now: we are there all the same. */
static void give_sign(struct leading *l, int64_t now)
{
    struct limiter *lim = l->s->lim;

    if (limiter_lead(lim, now) && l->store == NULL)
        open_store(l);
    if (l->store != NULL && !store_is_up(l->store))
        limiter_store_lost(lim, now);
    loop_at(l->s->loop, &l->timer, now + SIGN_NS);
}

void leading_step(struct leading *l)
{
    int64_t now;

    if (l == NULL || l->s->draining)
        return;
    now = clock_now_ns();
    if (!limiter_may_lead(l->s->lim, now)) {
        if (l->store != NULL)
            close_store(l);
        return;
    }
    if (l->store == NULL || !store_may_call(l->store)) {
        if (l->timer.place == 0)
            give_sign(l, now);
        return;
    }
    settle_settings(l, now);
    if (l->generation != adopt_terms(l->s->adopt)->generation)
        l->pushed = true; /* an operator has changed something */
    if (limiter_store_ask(l->s->lim, l->ask, l->pushed, now)) {
        l->pushed = false;
        l->generation = adopt_terms(l->s->adopt)->generation;
        say_settings(l, l->ask);
        (void)store_call(l->store, l->ask); /* it fails: on_down() */
        loop_at(l->s->loop, &l->timer, now + SIGN_NS);
        return;
    }
    loop_at(l->s->loop, &l->timer,
            max_i64(limiter_store_due(l->s->lim, now), now + NS_PER_MS));
}

/* The loop's hook, which follows each step, does what there is to do. */
static void on_time(void *arg)
{
    (void)arg;
}

struct leading *leading_new(struct sluice *s)
{
    struct leading *l;

    if (s->cfg->shared_url == NULL)
        return NULL;
    l = calloc(1, sizeof(*l));
    CHECK(l != NULL);
    l->ask = calloc(1, sizeof(*l->ask));
    CHECK(l->ask != NULL);
    l->s = s;
    l->timer.fn = on_time;
    l->timer.arg = l;
    return l;
}

void leading_free(struct leading *l)
{
    if (l == NULL)
        return;
    if (l->store != NULL) {
        close_store(l);
        limiter_store_leave(l->s->lim, clock_now_ns());
    }
    shared_terms_free(&l->terms);
    free(l->ask);
    free(l);
}
