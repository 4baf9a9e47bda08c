/*
 * exchange.c - what happens to a request, from its arrival to its last byte?
 *
 *   route    a fault or a page of our own is answered at once
 *   admit    a ticket is asked for
 *   queue    until the limiter grants it, or a deadline passes
 *   forward  to the upstream, until its answer can be judged (attempt.c), which
 *            may lead back to the queue
 *   pause    between two attempts
 *   relay    the answer, until it ends
 *   flush    until the client has taken the last byte
 *   settle   the ticket goes back, a line is logged
 *
 * Each step returns the next one, or itself to wait; forward and relay are in
 * forward.c.  Callbacks (limiter, transfer, client, timer) only note what
 * happened and call exchange_run().
 * One that an operator cancels is answered so from any step before flush.
 * A client that is gone leads from any step to settle, and every exchange
 * comes through settle exactly once.
 *
 * While a request waits the client is told so: a stream gets a head and
 * comments after commit_after_s, anything else white space if the settings
 * say so (relay.c).
 */
#include "fcgi/exchange.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "fcgi/accept.h"
#include "fcgi/access_log.h"
#include "fcgi/attempt.h"
#include "fcgi/auth.h"
#include "fcgi/conceal.h"
#include "fcgi/config/config.h"
#include "fcgi/fingerprint.h"
#include "fcgi/forward.h"
#include "fcgi/refuse.h"
#include "fcgi/route.h"

static enum step step_route(struct exchange *x);
static enum step step_later(struct exchange *x);
static enum step step_page(struct exchange *x);
static enum step step_admit(struct exchange *x);
static enum step step_queue(struct exchange *x);
static enum step step_flush(struct exchange *x);
static void set_timer(struct exchange *x);
static enum step step_settle(struct exchange *x);

/* One row per step, in the order of a normal request. */
static const struct {
    const char *name;
    enum step (*run)(struct exchange *x);
} steps[STEP_DONE] = {
    [STEP_ROUTE] = {"route", step_route},
    [STEP_LATER] = {"later", step_later},
    [STEP_PAGE] = {"page", step_page},
    [STEP_ADMIT] = {"admit", step_admit},
    [STEP_QUEUE] = {"queue", step_queue},
    [STEP_FORWARD] = {"forward", forward_step},
    [STEP_PAUSE] = {"pause", forward_pause},
    [STEP_RELAY] = {"relay", forward_relay},
    [STEP_FLUSH] = {"flush", step_flush},
    [STEP_SETTLE] = {"settle", step_settle},
};

static int64_t now_ns(const struct exchange *x)
{
    return loop_now(x->s->loop);
}

static void hang_up(struct exchange *x, const char *why)
{
    x->gone = true;
    snprintf(x->detail, sizeof(x->detail), "%s", why);
}

void exchange_drop(struct exchange *x, const char *why)
{
    hang_up(x, why);
    exchange_run(x);
}

/* A client that takes nothing for idle_s, though bytes wait for it, holds a
 * connection of the upstream's and memory of ours: it is gone too. */
static void look_for_stall(struct exchange *x)
{
    char why[64];

    if (x->client.taken != x->stall_taken || client_is_flushed(&x->client)) {
        x->stall_taken = x->client.taken;
        x->stall_ns = NEVER;
    }
    if (client_is_flushed(&x->client))
        return;
    if (x->stall_ns == NEVER)
        x->stall_ns = now_ns(x) + x->s->cfg->idle_ms * NS_PER_MS;
    if (now_ns(x) < x->stall_ns)
        return;
    snprintf(why, sizeof(why), "it took no byte for %" PRId64 " s",
             x->s->cfg->idle_ms / 1000);
    hang_up(x, why);
}

void exchange_run(struct exchange *x)
{
    x->again = true;
    if (x->running)
        return; /* a step caused this: the loop below looks again */
    x->running = true;
    while (x->step != STEP_DONE) {
        enum step next;

        x->again = false;
        if (x->step < STEP_SETTLE)
            look_for_stall(x);
        if (x->gone && x->step < STEP_SETTLE)
            next = STEP_SETTLE;
        else if (x->cancelled && x->step < STEP_FLUSH)
            next = refuse_cancelled(x);
        else if (x->recalled && attempt_can_recall(x))
            next = attempt_recall(x);
        else
            next = steps[x->step].run(x);
        if (next == x->step && !x->again)
            break;
        x->step = next;
    }
    x->running = false;
}

/* ---- failing ----------------------------------------------------------------- */

enum step exchange_tell(struct exchange *x, const struct relay_error *e)
{
    if (!relay_error(x, e))
        x->broken = true;
    if (!x->broken)
        client_end(&x->client);
    exchange_dirty(x);
    return STEP_FLUSH;
}

/* Of ours, and worth another try: not lost is what the upstream refused, or
 * what it would refuse again. */
static bool is_loss(const struct reply_error *e)
{
    return e->retry != 0 && strncmp(e->code, "sluice_", 7) == 0;
}

/* What must not go twice is not to be sent again by an SDK either. */
static void note_once(struct exchange *x, struct reply_error *e)
{
    static const char ours[] = " " JUDGE_ONCE;
    size_t room = sizeof(e->message) - sizeof(ours), n = strlen(e->message);

    if (e->status < 500 || !attempt_may_be_done(x))
        return;
    e->retry = 0;
    memcpy(e->message + (n < room ? n : room), ours, sizeof(ours));
}

static enum step fail_with(struct exchange *x, struct reply_error *e)
{
    struct buf json = {NULL, 0, 0, 0};
    enum step next;

    note_once(x, e);
    if (x->ticket != NULL && is_loss(e))
        limiter_lost(x->s->lim, x->ticket);
    x->error = *e;
    conceal_text(x, x->error.message); /* it may quote the upstream */
    reply_error_json(&json, &x->error);
    next = exchange_tell(x, &(struct relay_error){e->status, &json, e->retry_ms,
                                                  e->retry, NULL, false});
    buf_free(&json);
    return next;
}

enum step exchange_fail(struct exchange *x, int status, const char *code,
                        int64_t retry_ms, int retry, const char *fmt, ...)
{
    struct reply_error e = {status, code, retry_ms, retry, ""};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e.message, sizeof(e.message), fmt, ap);
    va_end(ap);
    return fail_with(x, &e);
}

enum step exchange_later(struct exchange *x)
{
    x->s->turn_due = true; /* a turn may have to come first */
    if (now_ns(x) - x->req->arrived_ns >= LATER_MOST_NS)
        return exchange_fail(x, 503, "sluice_state", 1000, 1,
                             "The shared state is busy or unavailable; try "
                             "again.");
    x->later_ns = now_ns(x) + LATER_NS;
    return STEP_LATER;
}

enum step exchange_json(struct exchange *x, const struct buf *json)
{
    return exchange_json_as(x, 200, json);
}

enum step exchange_json_as(struct exchange *x, int status,
                           const struct buf *json)
{
    return exchange_page(x, status, "application/json", json);
}

enum step exchange_page(struct exchange *x, int status, const char *type,
                        const struct buf *page)
{
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, x->req, status, type);
    reply_header(&b, "Cache-Control", "no-store");
    reply_header_int(&b, "Content-Length", (int64_t)page->len);
    buf_str(&b, "\r\n");
    if (strcmp(x->req->method, "HEAD") != 0)
        buf_add(&b, buf_head(page), page->len);
    client_write(&x->client, buf_head(&b), b.len);
    buf_free(&b);
    client_end(&x->client);
    x->relay.head_sent = true;
    x->relay.status = status;
    exchange_dirty(x);
    return STEP_FLUSH;
}

/* ---- route, admit ------------------------------------------------------------- */

static enum step step_route(struct exchange *x)
{
    const struct fault *f = &x->req->fault;

    if (!x->req->is_checked) /* else before its body had come */
        auth_check(x->s->cfg, x->req);
    if (f->status != 0)
        return exchange_fail(x, f->status, f->code, -1, -1, "%s", f->message);
    if (!x->req->route->proxied)
        return x->req->route->answer(x);
    if (x->s->draining)
        return refuse_draining(x);
    return STEP_ADMIT;
}

static enum step step_later(struct exchange *x)
{
    if (now_ns(x) >= x->later_ns)
        return STEP_ROUTE;
    set_timer(x);
    return STEP_LATER;
}

/* Its answer is written from elsewhere. */
static enum step step_page(struct exchange *x)
{
    if (x->client.ended)
        return STEP_FLUSH;
    set_timer(x);
    return STEP_PAGE;
}

enum step exchange_wait(struct exchange *x,
                        void (*on_leave)(struct exchange *x))
{
    x->on_leave = on_leave;
    return STEP_PAGE;
}

enum step exchange_go_free(struct exchange *x,
                           void (*on_leave)(struct exchange *x))
{
    x->on_leave = on_leave;
    x->is_free = true;
    return STEP_FORWARD;
}

/* The first upstream whose patterns fit the model, or that has none. */
static uint32_t choose_upstream(const struct config *cfg, const char *model)
{
    size_t i, k;

    for (i = 0; i + 1 < cfg->n_upstreams; i++) {
        const struct config_upstream *u = &cfg->upstreams[i];

        if (u->n_models == 0)
            break;
        for (k = 0; k < u->n_models; k++)
            if (fnmatch(u->models[k], model, 0) == 0)
                return (uint32_t)i;
    }
    return (uint32_t)i;
}

/* White space is a sign of life only where the answer will be JSON. */
bool exchange_is_silent(const struct exchange *x)
{
    return !relay_wants_events(x) &&
           !(x->s->cfg->buffered_keepalive && x->req->route->needs_json);
}

/*
 * The least of queue.timeout_s, X-Sluice-Deadline and, for an answer that
 * sends no byte before it is there, the client's own patience.
 */
static void set_deadlines(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    const struct request *r = x->req;
    bool silent = exchange_is_silent(x);
    int64_t ms = cfg->queue_timeout_ms, commit_ms = cfg->commit_after_ms;

    x->deadline_name = "queue.timeout_s";
    if (r->deadline_ms >= 0 && r->deadline_ms < ms) {
        ms = r->deadline_ms;
        x->deadline_name = "X-Sluice-Deadline";
    }
    if (silent && r->client_timeout_ms >= 0 && r->client_timeout_ms < ms) {
        ms = r->client_timeout_ms;
        x->deadline_name = "the client's own timeout";
    }
    x->queue_deadline_ns = r->arrived_ns + ms * NS_PER_MS;
    /* A client that gives up soon must have heard of us before. */
    if (r->client_timeout_ms >= 0)
        commit_ms = min_i64(commit_ms, r->client_timeout_ms / 2);
    x->commit_ns = silent ? NEVER : r->arrived_ns + commit_ms * NS_PER_MS;
    x->beat_ns = NEVER;
    x->answer_deadline_ns = NEVER;
    x->idle_deadline_ns = NEVER;
}

static void on_ticket(void *arg, const struct ticket_news *news)
{
    struct exchange *x = arg;

    switch (news->event) {
    case TICKET_WAITS:
        x->place = *news;
        x->placed = true;
        break;
    case TICKET_GRANTED:
        x->place = *news;
        x->granted = true;
        break;
    case TICKET_REFUSED:
        x->ticket = NULL;
        x->refused = true;
        refuse_explain(x, news);
        break;
    case TICKET_CANCELLED:
        x->cancelled = true;
        break;
    }
    exchange_run(x);
}

static enum step step_admit(struct exchange *x)
{
    struct limiter_request req = {
        .cls = x->req->cls,
        .weight = x->req->weight,
        .requests_per_min = x->req->requests_per_min,
        .queue_max = x->req->queue_max,
        .client = x->req->client,
        /* What is no inference runs on no model's workers: its bench and its
         * ceiling are none of that request's business. */
        .model = request_served_by(x->req),
        .request_id = x->req->id,
        .stream = x->req->stream,
        .body_bytes = x->req->body.len,
        .retry = x->req->retry_count > 0,
    };

    set_deadlines(x);
    x->upstream = choose_upstream(x->s->cfg, request_model(x->req));
    req.upstream = x->upstream;
    req.deadline_ns = x->queue_deadline_ns;
    x->queued_ns = x->req->arrived_ns;
    req.fingerprint =
        fingerprint_of(limiter_secret(x->s->lim), x->req->client,
                       x->req->body.len > 0 ? buf_head(&x->req->body) : NULL,
                       x->req->body.len);
    x->ticket = limiter_join(x->s->lim, &req, on_ticket, x);
    return STEP_QUEUE;
}

/* ---- the clock ------------------------------------------------------------------- */

static void say_place(struct exchange *x)
{
    char text[96];

    (void)limiter_place(x->s->lim, x->ticket, now_ns(x), &x->place);
    if (x->place.eta_ns >= 0)
        snprintf(text, sizeof(text), "queued position=%u eta=%" PRId64 "s",
                 x->place.position,
                 (x->place.eta_ns + NS_PER_S - 1) / NS_PER_S);
    else
        snprintf(text, sizeof(text), "queued position=%u", x->place.position);
    relay_beat(x, text);
}

/* Commits when it is time, and gives a sign of life when it is time. */
static void beat(struct exchange *x)
{
    int64_t now = now_ns(x);

    if (now >= x->commit_ns && x->relay.mode == RELAY_NOTHING) {
        relay_commit(x);
        x->beat_ns = now;
    }
    if (x->relay.head_sent || x->relay.mode != RELAY_NOTHING)
        x->commit_ns = NEVER;
    if (now < x->beat_ns)
        return;
    x->beat_ns = now + x->s->cfg->heartbeat_ms * NS_PER_MS;
    if (x->step == STEP_QUEUE && x->ticket != NULL)
        say_place(x);
    else
        relay_beat(x, "waiting for the upstream");
}

/* The next time at which X has something to do by itself. */
static void set_timer(struct exchange *x)
{
    int64_t at = min_i64(x->commit_ns, x->beat_ns);

    if (x->step == STEP_LATER)
        at = min_i64(at, x->later_ns);
    if (x->step == STEP_QUEUE && x->placed)
        at = min_i64(at, x->queue_deadline_ns);
    if (x->step == STEP_FORWARD || x->step == STEP_PAUSE)
        at = min_i64(at, x->answer_deadline_ns);
    if (x->step == STEP_PAUSE)
        at = min_i64(at, x->pause_ns);
    if (x->step == STEP_RELAY)
        at = min_i64(at, min_i64(x->idle_deadline_ns, x->relay.over_ns));
    if (x->step == STEP_FLUSH)
        at = NEVER;
    at = min_i64(at, x->stall_ns);
    if (at == NEVER)
        loop_cancel(x->s->loop, &x->timer);
    else
        loop_at(x->s->loop, &x->timer, at);
}

void exchange_tick(struct exchange *x)
{
    beat(x);
    set_timer(x);
}

static void on_timer(void *arg)
{
    struct exchange *x = arg;

    exchange_run(x);
}

/* ---- queue ------------------------------------------------------------------------- */

static enum step step_queue(struct exchange *x)
{
    if (x->refused) {
        struct reply_error e = x->error;

        return fail_with(x, &e);
    }
    if (x->granted) {
        x->granted_ns = now_ns(x);
        x->waited_ns += max_i64(0, x->granted_ns - x->queued_ns);
        return STEP_FORWARD;
    }
    if (x->s->draining)
        return refuse_draining(x);
    /* However short it is, it ends no sooner than the first try: a deadline of
     * 0 asks for a slot that is free now. */
    if (x->placed && now_ns(x) >= x->queue_deadline_ns)
        return refuse_late(x);
    exchange_tick(x);
    return STEP_QUEUE;
}

/* ---- flush, settle ------------------------------------------------------------------------ */

/* The upstream has nothing to do with it any more: whoever waits may go. */
static void give_back(struct exchange *x)
{
    if (x->ticket == NULL)
        return;
    limiter_done(x->s->lim, x->ticket, !x->may_have_sent);
    x->ticket = NULL;
    x->s->busy_ns = loop_now(x->s->loop);
}

/* An answer that cannot be completed is broken off after what is there. */
static enum step step_flush(struct exchange *x)
{
    bool over = x->client.ended || x->broken;

    give_back(x);
    set_timer(x);
    return over && client_is_flushed(&x->client) ? STEP_SETTLE : STEP_FLUSH;
}

static enum step step_settle(struct exchange *x)
{
    access_log_exchange(x);
    loop_cancel(x->s->loop, &x->timer);
    if (x->on_leave != NULL)
        x->on_leave(x);
    forward_stop(x);
    request_stats_exchange(x);
    give_back(x);
    if (x->req->has_rest && x->client.ended && !x->client.gone &&
        x->s->accept != NULL) /* at the very end nobody lingers */
        accept_linger(x->s->accept, client_release(&x->client));
    client_fini(&x->client);
    exchange_dirty(x); /* freed at the end of this step: libcurl may still
                          read the body */
    return STEP_DONE;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void on_client_gone(void *arg)
{
    struct exchange *x = arg;

    x->gone = true;
    exchange_run(x);
}

/* The client has taken what it could. */
static void go_on(void *arg)
{
    struct exchange *x = arg;

    if (x->transfer != NULL && !client_is_full(&x->client))
        transfer_resume(x->transfer); /* if it was paused */
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
    x->measure.prompt_bytes = r->body.len;
    x->commit_ns = x->beat_ns = x->stall_ns = NEVER;
    x->answer_deadline_ns = x->idle_deadline_ns = NEVER;
    relay_init(&x->relay);
    x->next = s->exchanges;
    if (s->exchanges != NULL)
        s->exchanges->prev = x;
    s->exchanges = x;
    s->n_exchanges++;
    client_init(&x->client, s->loop, r->fd, r->fcgi_id, &client_ops, x);
    r->fd = -1;
    exchange_run(x);
}

void exchange_dirty(struct exchange *x)
{
    if (x->is_dirty)
        return;
    x->is_dirty = true;
    x->next_dirty = x->s->dirty;
    x->s->dirty = x;
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
    relay_fini(&x->relay);
    answer_probe_clear(&x->trial);
    nvcf_fini(&x->nvcf);
    request_free(x->req);
    free(x);
}

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
        if (!attempt_can_recall(x))
            continue;
        x->recalled = true;
        exchange_run(x);
    }
}

void exchange_abort_all(struct sluice *s)
{
    struct exchange *x, *next;

    for (x = s->exchanges; x != NULL; x = next) {
        next = x->next;
        if (x->step != STEP_DONE) {
            if (x->ticket != NULL) /* no client left: we do */
                limiter_lost(s->lim, x->ticket);
            x->gone = x->aborted = true;
            exchange_run(x);
        }
    }
    exchange_flush_all(s);
}
