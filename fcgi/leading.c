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

#include "fcgi/config/config.h"
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
    bool pushed; /* the store has called */
    bool failed; /* to be made, which was said */
    struct shared_ask *ask;
};

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

static void on_answered(void *arg, const struct shared_answer *answer)
{
    struct leading *l = arg;

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
    if (limiter_store_ask(l->s->lim, l->ask, l->pushed, now)) {
        l->pushed = false;
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
    free(l->ask);
    free(l);
}
