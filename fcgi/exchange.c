/*
 * exchange.c - what happens to a request, from its arrival to its last byte?
 *
 * The table below is all of it: what each step waits for, which times end
 * that, and where it may lead.  Each step returns the next one, or itself to
 * wait.  Callbacks (limiter, transfer, client, page, timer) only note what
 * happened and call exchange_run().
 *
 * From any step but the last two a client that is gone leads to settle, and an
 * operator who cancels to an answer that says so.  Every exchange comes through
 * settle exactly once.
 */
#include "fcgi/exchange.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/accept.h"
#include "fcgi/access_log.h"
#include "fcgi/again.h"
#include "fcgi/as_chat.h"
#include "fcgi/asked_for.h"
#include "fcgi/attempt.h"
#include "fcgi/auth.h"
#include "fcgi/client_name.h"
#include "fcgi/config/config.h"
#include "fcgi/forward.h"
#include "fcgi/free.h"
#include "fcgi/place.h"
#include "fcgi/refuse.h"
#include "fcgi/relay.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "fcgi/sign_of_life.h"
#include "lib/log.h"

static enum step step_route(struct exchange *x);
static enum step step_later(struct exchange *x);
static enum step step_page(struct exchange *x);
static enum step step_admit(struct exchange *x);
static enum step step_queue(struct exchange *x);
static enum step step_flush(struct exchange *x);
static enum step step_settle(struct exchange *x);

/* ---- the table -------------------------------------------------------------- */

struct row {
    const char *name;
    enum step (*run)(struct exchange *x);
    const char *waits_for; /* NULL: it does not wait */
    unsigned due;          /* the times that count meanwhile, DUE() of each */
    unsigned exits;        /* where it may lead, TO() of each */
};

#define TO(step) (1U << STEP_##step)
/* Its client is gone; and what is answered ends here, errors too. */
#define GONE    TO(SETTLE)
#define OR_FAIL (TO(FLUSH) | GONE)
/* While the client waits for the upstream it is told so. */
#define SIGNS (DUE(COMMIT) | DUE(BEAT) | DUE(STALL))

/* In the order of a normal request; pages of ours stand behind the route. */
static const struct row rows[STEP_DONE] = {
    [STEP_ROUTE] = {"route", step_route, NULL, 0,
                    TO(LATER) | TO(PAGE) | TO(ADMIT) | TO(FORWARD) | OR_FAIL},
    [STEP_LATER] = {"later", step_later, "the state, to be had again",
                    DUE(LATER) | DUE(STALL), TO(ROUTE) | GONE},
    [STEP_PAGE] = {"page", step_page, "the answer of a page of ours",
                   DUE(STALL), OR_FAIL},
    [STEP_ADMIT] = {"admit", step_admit, NULL, 0, TO(QUEUE) | GONE},
    [STEP_QUEUE] = {"queue", step_queue, "its turn", DUE(QUEUE) | SIGNS,
                    TO(FORWARD) | OR_FAIL},
    [STEP_FORWARD] = {"forward", forward_step, "an answer that can be judged",
                      DUE(ANSWER) | DUE(BLANK) | SIGNS,
                      TO(QUEUE) | TO(PAUSE) | TO(RELAY) | OR_FAIL},
    [STEP_PAUSE] = {"pause", forward_pause, "its next attempt, or poll",
                    DUE(PAUSE) | DUE(ANSWER) | SIGNS,
                    TO(QUEUE) | TO(FORWARD) | OR_FAIL},
    [STEP_RELAY] = {"relay", forward_relay, "the end of the answer",
                    DUE(IDLE) | DUE(OVER) | SIGNS, OR_FAIL},
    [STEP_FLUSH] = {"flush", step_flush, "the client, to take the last byte",
                    DUE(STALL) | DUE(BREAK), TO(SETTLE)},
    [STEP_SETTLE] = {"settle", step_settle, NULL, 0, TO(DONE)},
};

static bool may_lead(const struct exchange *x, enum step next)
{
    const struct row *row = &rows[x->step];

    return next == x->step ? row->waits_for != NULL
                           : (row->exits & 1U << next) != 0;
}

/* A step that leads where its row does not say is a fault of ours. */
static void check_exit(const struct exchange *x, enum step next)
{
    if (may_lead(x, next))
        return;
    log_say(x->s->log, LOG_ERROR_, "exchange",
            "step %s leads to %s, which is no exit of it", rows[x->step].name,
            next < STEP_DONE ? rows[next].name : "the end");
    CHECK(may_lead(x, next));
}

/* ---- running it ------------------------------------------------------------- */

/* A client that takes nothing for idle_s, though bytes wait for it, holds a
 * connection of the upstream's and memory of ours: it is gone too. */
static void look_for_stall(struct exchange *x)
{
    int64_t *at = &x->due.at[DUE_STALL];
    char why[64];

    if (x->client.taken != x->stall_taken || client_is_flushed(&x->client)) {
        x->stall_taken = x->client.taken;
        *at = NEVER;
    }
    if (client_is_flushed(&x->client))
        return;
    if (*at == NEVER)
        *at = exchange_now(x) + x->s->cfg->idle_ms * NS_PER_MS;
    if (!exchange_is_due(x, DUE_STALL))
        return;
    snprintf(why, sizeof(why), "it took no byte for %" PRId64 " s",
             x->s->cfg->idle_ms / 1000);
    exchange_drop(x, why);
}

/* What comes from outside goes before what the step itself would do. */
static enum step next_of(struct exchange *x)
{
    unsigned exits = rows[x->step].exits;

    if ((exits & TO(SETTLE)) != 0) {
        look_for_stall(x);
        if (x->left != LEFT_BY_NOBODY)
            return STEP_SETTLE;
    }
    if (x->place.order == ORDER_CANCEL && (exits & TO(FLUSH)) != 0)
        return refuse_cancelled(x);
    if (x->place.order == ORDER_RECALL && again_can_recall(x))
        return again_recall(x);
    return rows[x->step].run(x);
}

/* Signs of life that are due, and the timer for what will be. */
static void wait_on(struct exchange *x)
{
    const struct row *row = &rows[x->step];
    int64_t at;

    if ((row->due & DUE(BEAT)) != 0)
        sign_of_life_give(x);
    at = deadlines_next(&x->due, row->due);
    if (at == NEVER)
        loop_cancel(x->s->loop, &x->timer);
    else
        loop_at(x->s->loop, &x->timer, at);
}

void exchange_run(struct exchange *x)
{
    enum step next;

    if (x->run != RUN_NOT) {
        x->run = RUN_AGAIN; /* a step caused this: the loop below looks again */
        return;
    }
    while (x->step != STEP_DONE) {
        x->run = RUN_ON;
        next = next_of(x);
        check_exit(x, next);
        if (next != x->step) {
            x->step = next;
            continue;
        }
        wait_on(x);
        if (x->run == RUN_ON)
            break;
    }
    x->run = RUN_NOT;
}

/* ---- pages of our own ------------------------------------------------------- */

static enum step step_route(struct exchange *x)
{
    const struct fault *f = &x->req->fault;

    if (!x->req->is_checked) /* else before its body had come */
        auth_check(x->s->cfg, x->req);
    client_name_by_body(x->s->cfg, x->req);
    if (f->status != 0)
        return exchange_fail(x, f->code, "%s", f->message);
    if (!x->req->route->proxied)
        return x->req->route->answer(x);
    asked_for_settle(x);
    if (!free_is(x->s->cfg, x->req))
        return STEP_ADMIT;
    place_choose(x);
    if (as_chat_is_answer(x))
        return x->req->route->answer(x);
    return free_go(x);
}

static enum step step_later(struct exchange *x)
{
    return exchange_is_due(x, DUE_LATER) ? STEP_ROUTE : STEP_LATER;
}

/* Its answer is written from elsewhere. */
static enum step step_page(struct exchange *x)
{
    return x->client.ended ? STEP_FLUSH : STEP_PAGE;
}

/* ---- a place in line -------------------------------------------------------- */

static enum step step_admit(struct exchange *x)
{
    sign_of_life_begin(x);
    place_take(x);
    return STEP_QUEUE;
}

static enum step step_queue(struct exchange *x)
{
    if (x->place.state == PLACE_REFUSED) {
        struct reply_error e = exchange_seldom(x)->error;

        return exchange_fail_with(x, &e);
    }
    if (x->place.state == PLACE_GRANTED) {
        place_leave_line(x);
        return STEP_FORWARD;
    }
    if (x->s->draining && x->place.was_tried) /* else there may be a slot */
        return refuse_draining(x);
    x->due.at[DUE_QUEUE] = place_deadline(&x->place);
    return exchange_is_due(x, DUE_QUEUE) ? refuse_late(x) : STEP_QUEUE;
}

/* ---- the end ---------------------------------------------------------------- */

/* A web server that has head and end before it has sent any of it gives the
 * answer a length, and the break is not to be seen. */
#define BREAK_NS (100 * NS_PER_MS)

static bool is_too_early_to_break(struct exchange *x)
{
    int64_t *at = &x->due.at[DUE_BREAK];

    if (x->client.ended || x->client.gone || !x->relay.head_sent)
        return false;
    if (*at == NEVER)
        *at = exchange_now(x) + BREAK_NS;
    return !exchange_is_due(x, DUE_BREAK);
}

/* The answer is ended, or stays without its end, where it cannot be completed:
 * then it is broken off after what is there. */
static enum step step_flush(struct exchange *x)
{
    place_give_back(x);
    if (!client_is_flushed(&x->client) || is_too_early_to_break(x))
        return STEP_FLUSH;
    return STEP_SETTLE;
}

static enum step step_settle(struct exchange *x)
{
    access_log_exchange(x);
    loop_cancel(x->s->loop, &x->timer);
    if (x->on_leave != NULL)
        x->on_leave(x);
    attempt_stop(x);
    request_stats_exchange(x);
    place_give_back(x);
    if (x->req->has_rest && x->client.ended && !x->client.gone &&
        x->s->accept != NULL) /* at the very end nobody lingers */
        accept_linger(x->s->accept, client_release(&x->client));
    client_fini(&x->client);
    exchange_dirty(x); /* freed at the end of this step: libcurl may still
                          read the body */
    return STEP_DONE;
}

/* ---- beginning and end of one ----------------------------------------------- */

static void on_timer(void *arg)
{
    exchange_run(arg);
}

static void on_client_gone(void *arg)
{
    struct exchange *x = arg;

    x->left = x->left == LEFT_BY_NOBODY ? LEFT_BY_CLIENT : x->left;
    exchange_run(x);
}

/* The client has taken what it could. */
static void go_on(void *arg)
{
    struct exchange *x = arg;

    if (x->attempt.transfer != NULL && !client_is_full(&x->client))
        transfer_resume(x->attempt.transfer); /* if it was paused */
    exchange_run(x);
}

static const struct client_ops client_ops = {on_client_gone, go_on};

void exchange_start(struct sluice *s, struct request *r)
{
    struct exchange *x = calloc(1, sizeof(*x));

    CHECK(x != NULL);
    x->s = s;
    x->req = r;
    x->timer.fn = on_timer;
    x->timer.arg = x;
    x->stats.prompt_bytes = r->body.len;
    deadlines_init(&x->due);
    relay_init(&x->relay);
    x->next = s->exchanges;
    if (s->exchanges != NULL)
        s->exchanges->prev = x;
    s->exchanges = x;
    s->n_exchanges++;
    s->n_unconnected++;
    client_init(&x->client, s->loop, r->fd, r->fcgi_id, &client_ops, x);
    r->fd = -1;
    exchange_run(x);
}

static void exchange_free(struct exchange *x)
{
    struct sluice *s = x->s;

    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        s->exchanges = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    s->n_exchanges--;
    s->n_unconnected--;
    relay_fini(&x->relay);
    attempt_fini(&x->attempt);
    seldom_free(x->seldom);
    place_fini(&x->place);
    request_free(x->req);
    free(x);
}

void exchange_dirty(struct exchange *x)
{
    if (x->is_dirty)
        return;
    x->is_dirty = true;
    x->next_dirty = x->s->dirty;
    x->s->dirty = x;
}

/* ---- all of a worker's ------------------------------------------------------ */

void exchange_flush_all(struct sluice *s)
{
    while (s->dirty != NULL) {
        struct exchange *x = s->dirty;

        s->dirty = x->next_dirty;
        x->is_dirty = false;
        if (x->step == STEP_DONE) {
            exchange_free(x);
            continue;
        }
        client_flush(&x->client);
        go_on(x);
    }
}

void exchange_watch_all(struct sluice *s)
{
    struct exchange *x;

    /* New ones come in front. */
    for (x = s->exchanges; x != NULL && !x->is_watched; x = x->next) {
        x->is_watched = true;
        client_watch(&x->client);
    }
}

void exchange_drain_all(struct sluice *s)
{
    struct exchange *x, *next;

    for (x = s->exchanges; x != NULL; x = next) {
        next = x->next;
        exchange_run(x);
    }
}

void exchange_recall_all(struct sluice *s)
{
    struct exchange *x, *next;

    for (x = s->exchanges; x != NULL; x = next) {
        next = x->next;
        if (x->place.order != ORDER_NONE || !again_can_recall(x))
            continue;
        x->place.order = ORDER_RECALL;
        exchange_run(x);
    }
}

void exchange_abort_all(struct sluice *s)
{
    struct exchange *x, *next;

    for (x = s->exchanges; x != NULL; x = next) {
        next = x->next;
        if (x->step == STEP_DONE)
            continue;
        if (x->place.ticket != NULL) /* no client left: we do */
            limiter_lost(s->lim, x->place.ticket);
        x->left = LEFT_BY_US;
        exchange_run(x);
    }
    exchange_flush_all(s);
}
