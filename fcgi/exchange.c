/*
 * exchange.c - what happens to a request, from its arrival to its last byte?
 *
 *   route    a fault or a page of our own is answered at once
 *   admit    a ticket is asked for
 *   queue    until the limiter grants it, or a deadline passes
 *   forward  to the upstream, until the head of its answer is there
 *   relay    the answer, until it ends
 *   flush    until the client has taken the last byte
 *   settle   the ticket goes back, a line is logged
 *
 * Each step returns the next one, or itself to wait.  Callbacks (limiter,
 * transfer, client, timer) only note what happened and call exchange_run().
 * A client that is gone leads from any step to settle, and every exchange
 * comes through settle exactly once.
 *
 * While a request waits the client is told so: a stream gets a head and
 * comments after commit_after_s, anything else white space if the settings
 * say so (relay.c).
 */
#include "exchange.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "config.h"
#include "log.h"
#include "models.h"
#include "route.h"

static enum step step_route(struct exchange *x);
static enum step step_admit(struct exchange *x);
static enum step step_queue(struct exchange *x);
static enum step step_forward(struct exchange *x);
static enum step step_relay(struct exchange *x);
static enum step step_flush(struct exchange *x);
static enum step step_settle(struct exchange *x);

/* One row per step, in the order of a normal request. */
static const struct {
    const char *name;
    enum step (*run)(struct exchange *x);
} steps[STEP_DONE] = {
    [STEP_ROUTE] = {"route", step_route},
    [STEP_ADMIT] = {"admit", step_admit},
    [STEP_QUEUE] = {"queue", step_queue},
    [STEP_FORWARD] = {"forward", step_forward},
    [STEP_RELAY] = {"relay", step_relay},
    [STEP_FLUSH] = {"flush", step_flush},
    [STEP_SETTLE] = {"settle", step_settle},
};

void exchange_run(struct exchange *x)
{
    if (x->running)
        return; /* a step caused this: the loop below looks again */
    x->running = true;
    while (x->step != STEP_DONE) {
        enum step next;

        if (x->gone && x->step < STEP_SETTLE)
            next = STEP_SETTLE;
        else
            next = steps[x->step].run(x);
        if (next == x->step)
            break;
        x->step = next;
    }
    x->running = false;
}

static int64_t now_ns(const struct exchange *x)
{
    return loop_now(x->s->loop);
}

/* ---- failing ----------------------------------------------------------------- */

static enum step fail_with(struct exchange *x, const struct reply_error *e)
{
    x->error = *e;
    if (!relay_error(x, e))
        x->broken = true;
    if (!x->broken)
        client_end(&x->client);
    exchange_dirty(x);
    return STEP_FLUSH;
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

enum step exchange_json(struct exchange *x, const struct buf *json)
{
    struct buf b = {NULL, 0, 0, 0};

    reply_head(&b, x->req, 200, "application/json");
    reply_header(&b, "Cache-Control", "no-store");
    reply_header_int(&b, "Content-Length", (int64_t)json->len);
    buf_str(&b, "\r\n");
    if (strcmp(x->req->method, "HEAD") != 0)
        buf_add(&b, buf_head(json), json->len);
    client_write(&x->client, buf_head(&b), b.len);
    buf_free(&b);
    client_end(&x->client);
    x->relay.head_sent = true;
    x->relay.status = 200;
    exchange_dirty(x);
    return STEP_FLUSH;
}

/* ---- route, admit ------------------------------------------------------------- */

static enum step step_route(struct exchange *x)
{
    const struct fault *f = &x->req->fault;

    auth_check(x->s->cfg, x->req);
    if (f->status != 0)
        return exchange_fail(x, f->status, f->code, -1, -1, "%s", f->message);
    if (!x->req->route->proxied)
        return (enum step)x->req->route->answer(x);
    if (x->s->draining)
        return exchange_fail(x, 503, "sluice_draining", 1000, 1,
                             "This Sluice worker is shutting down.");
    return STEP_ADMIT;
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

/*
 * The least of queue.timeout_s, X-Sluice-Deadline and, for an answer that
 * sends no byte before it is there, the client's own patience.
 */
static void set_deadlines(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    const struct request *r = x->req;
    bool silent = !r->stream && !cfg->buffered_keepalive;
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

static const char *refusal_code(enum limiter_refusal why)
{
    switch (why) {
    case REFUSED_CLIENT_FULL:
        return "sluice_client_queue_full";
    case REFUSED_DEADLINE:
        return "sluice_deadline";
    case REFUSED_STATE:
        return "sluice_state";
    case REFUSED_NOT:
    case REFUSED_QUEUE_FULL:
    case REFUSED_BYTES:
    case REFUSED_TABLE:
    case REFUSALS:
        break;
    }
    return "sluice_queue_full";
}

/* "Next slot in 7 s.", or nothing where no time is known. */
static const char *next_slot(char *out, size_t max, int64_t eta_ns)
{
    out[0] = '\0';
    if (eta_ns >= 0)
        snprintf(out, max, " Next slot in %" PRId64 " s.",
                 (eta_ns + NS_PER_S - 1) / NS_PER_S);
    return out;
}

static void explain_refusal(struct exchange *x, const struct ticket_news *n)
{
    const struct config *cfg = x->s->cfg;
    struct reply_error *e = &x->error;
    char slot[48];

    e->status = n->why == REFUSED_STATE ? 503 : 429;
    e->code = refusal_code(n->why);
    e->retry_ms = n->eta_ns >= 0 ? n->eta_ns / NS_PER_MS : 5000;
    e->retry = 1;
    next_slot(slot, sizeof(slot), n->eta_ns);
    switch (n->why) {
    case REFUSED_NOT:
    case REFUSALS:
    case REFUSED_QUEUE_FULL:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's queue is full (%u waiting, queue.max).%s",
                 n->waiting, slot);
        break;
    case REFUSED_CLIENT_FULL:
        snprintf(e->message, sizeof(e->message),
                 "This client has %" PRId64
                 " requests waiting already (queue.per_client).%s",
                 cfg->queue_per_client, slot);
        break;
    case REFUSED_BYTES:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's queue is full (%zu MB of request bodies, "
                 "queue.max_mb).%s",
                 (size_t)cfg->queue_max_bytes / MIB, slot);
        break;
    case REFUSED_DEADLINE:
        snprintf(e->message, sizeof(e->message),
                 "The request would have to wait %" PRId64
                 " s, longer than %s allows (%" PRId64 " s).",
                 n->eta_ns / NS_PER_S, x->deadline_name,
                 (x->queue_deadline_ns - x->req->arrived_ns) / NS_PER_S);
        e->retry = 0; /* it would be refused again */
        break;
    case REFUSED_TABLE:
        snprintf(e->message, sizeof(e->message),
                 "Sluice's tables are full: too many different clients, "
                 "models or requests in flight.");
        break;
    case REFUSED_STATE:
        snprintf(e->message, sizeof(e->message),
                 "Sluice cannot use its shared state right now; its log says "
                 "why.");
        break;
    }
}

static void on_ticket(void *arg, const struct ticket_news *news)
{
    struct exchange *x = arg;

    switch (news->event) {
    case TICKET_WAITS:
        x->place = *news;
        break;
    case TICKET_GRANTED:
        x->place = *news;
        x->granted = true;
        break;
    case TICKET_REFUSED:
        x->ticket = NULL;
        x->refused = true;
        explain_refusal(x, news);
        break;
    }
    exchange_run(x);
}

static enum step step_admit(struct exchange *x)
{
    struct limiter_request req = {
        .cls = x->req->cls,
        .weight = 1,
        .client = x->req->client,
        .model = x->req->model,
        .request_id = x->req->id,
        .stream = x->req->stream,
        .body_bytes = x->req->body.len,
    };

    set_deadlines(x);
    x->upstream = choose_upstream(x->s->cfg, x->req->model);
    req.upstream = x->upstream;
    req.deadline_ns = x->queue_deadline_ns;
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

    if (x->step == STEP_QUEUE)
        at = min_i64(at, x->queue_deadline_ns);
    if (x->step == STEP_FORWARD)
        at = min_i64(at, x->answer_deadline_ns);
    if (x->step == STEP_RELAY)
        at = min_i64(at, x->idle_deadline_ns);
    if (at == NEVER)
        loop_cancel(x->s->loop, &x->timer);
    else
        loop_at(x->s->loop, &x->timer, at);
}

static void on_timer(void *arg)
{
    struct exchange *x = arg;

    exchange_run(x);
}

/* ---- queue ------------------------------------------------------------------------- */

static enum step give_up_waiting(struct exchange *x)
{
    char slot[48];
    int64_t eta = x->place.eta_ns;

    (void)limiter_place(x->s->lim, x->ticket, now_ns(x), &x->place);
    eta = x->place.eta_ns;
    limiter_done(x->s->lim, x->ticket, true);
    x->ticket = NULL;
    return exchange_fail(
        x, 429, "sluice_queue_timeout", eta >= 0 ? eta / NS_PER_MS : 5000, -1,
        "The request waited %" PRId64 " s in Sluice's queue (%s).%s",
        (now_ns(x) - x->req->arrived_ns) / NS_PER_S, x->deadline_name,
        next_slot(slot, sizeof(slot), eta));
}

static enum step step_queue(struct exchange *x)
{
    if (x->refused) {
        struct reply_error e = x->error;

        return fail_with(x, &e);
    }
    if (x->granted)
        return STEP_FORWARD;
    if (x->s->draining) {
        limiter_done(x->s->lim, x->ticket, true);
        x->ticket = NULL;
        return exchange_fail(x, 503, "sluice_draining", 1000, 1,
                             "This Sluice worker is shutting down.");
    }
    if (now_ns(x) >= x->queue_deadline_ns)
        return give_up_waiting(x);
    beat(x);
    set_timer(x);
    return STEP_QUEUE;
}

/* ---- forward ------------------------------------------------------------------------ */

static void on_sent(void *arg)
{
    struct exchange *x = arg;

    if (x->ticket != NULL)
        limiter_sent(x->s->lim, x->ticket);
}

static void restart_idle(struct exchange *x)
{
    x->idle_deadline_ns = now_ns(x) + x->s->cfg->idle_ms * NS_PER_MS;
    if (x->relay.mode == RELAY_STREAM)
        x->beat_ns = now_ns(x) + x->s->cfg->heartbeat_ms * NS_PER_MS;
}

/* The request will not be sent again: its body need not be kept. */
static void drop_body(struct exchange *x)
{
    if (x->req->body.data == NULL || !transfer_is_uploaded(x->transfer))
        return;
    buf_free(&x->req->body);
    if (x->ticket != NULL)
        limiter_body_gone(x->s->lim, x->ticket);
}

static void on_head(void *arg, const struct upstream_head *head)
{
    struct exchange *x = arg;

    x->first_byte_ns = now_ns(x);
    drop_body(x);
    relay_head(x, head);
    restart_idle(x);
    exchange_run(x);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct exchange *x = arg;

    if (!relay_body(x, data, len)) {
        x->idle_deadline_ns = NEVER; /* it is the client that is slow */
        return false;
    }
    restart_idle(x);
    return true;
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct exchange *x = arg;

    x->transfer = NULL;
    x->ended = true;
    x->how = how;
    snprintf(x->detail, sizeof(x->detail), "%s", detail);
    exchange_run(x);
}

static const struct transfer_ops transfer_ops = {on_sent, on_head, on_body,
                                                 on_end};

#define HEADERS_MAX (FORWARD_MAX + 4)

struct header_list {
    struct buf text; /* all lines, each with its zero */
    size_t at[HEADERS_MAX];
    size_t n;
};

static void add_header(struct header_list *l, const char *name,
                       const char *value)
{
    CHECK(l->n < HEADERS_MAX);
    l->at[l->n++] = l->text.len;
    buf_fmt(&l->text, "%s: %s", name, value);
    buf_add(&l->text, "", 1);
}

static void add_headers(struct header_list *l, const struct exchange *x)
{
    const struct request *r = x->req;
    const char *key = x->s->cfg->upstreams[x->upstream].api_key;
    bool has_accept = false;
    size_t i;

    for (i = 0; i < r->n_forward; i++) {
        add_header(l, r->forward[i].name, r->forward[i].value);
        has_accept = has_accept || strcmp(r->forward[i].name, "Accept") == 0;
    }
    if (!r->has_type && r->body.len > 0 && r->route->needs_json)
        add_header(l, "Content-Type", "application/json");
    if (!has_accept)
        add_header(l, "Accept", r->stream ? "text/event-stream" : "*/*");
    add_header(l, "X-Request-Id", r->id);
    if (key != NULL) {
        l->at[l->n++] = l->text.len;
        buf_fmt(&l->text, "Authorization: Bearer %s", key);
        buf_add(&l->text, "", 1);
    } else if (r->authorization != NULL) {
        add_header(l, "Authorization", r->authorization);
    }
}

static void start_transfer(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    struct header_list l = {{NULL, 0, 0, 0}, {0}, 0};
    const char *lines[HEADERS_MAX + 1];
    struct transfer_request req = {
        .base_url = cfg->upstreams[x->upstream].base_url,
        .target = x->req->target,
        .method = x->req->method,
        .headers = lines,
        .body = x->req->body.len > 0 ? buf_head(&x->req->body) : NULL,
        .body_len = x->req->body.len,
        .connect_ms = cfg->connect_ms,
    };
    size_t i;

    add_headers(&l, x);
    for (i = 0; i < l.n; i++)
        lines[i] = buf_head(&l.text) + l.at[i];
    lines[l.n] = NULL;
    x->attempts++;
    x->ended = false;
    x->transfer = transfer_start(x->s->up, &req, &transfer_ops, x);
    explicit_bzero(l.text.data, l.text.cap);
    buf_free(&l.text);
}

/* What is left of the client's own time if it waits for a buffered answer. */
static void set_answer_deadline(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    int64_t client_ms = x->req->client_timeout_ms;

    x->answer_deadline_ns = now_ns(x) + cfg->first_byte_ms * NS_PER_MS;
    if (!x->req->stream && !cfg->buffered_keepalive && client_ms >= 0)
        x->answer_deadline_ns = x->req->arrived_ns + client_ms * NS_PER_MS;
}

static void stop_transfer(struct exchange *x)
{
    if (x->transfer == NULL)
        return;
    if (x->ticket != NULL && transfer_has_sent(x->transfer))
        limiter_sent(x->s->lim, x->ticket);
    transfer_cancel(x->transfer);
    x->transfer = NULL;
}

/* A kept connection was dead.  Nobody can tell whether the upstream counted
 * the request, so the next attempt needs a slot of its own. */
static enum step go_again(struct exchange *x)
{
    x->granted = false;
    x->granted_ns = 0;
    limiter_again(x->s->lim, x->ticket, false);
    return STEP_QUEUE;
}

/* The transfer ended and there was no answer. */
static enum step explain_silence(struct exchange *x)
{
    switch (x->how) {
    case END_STALE:
        if (x->ticket != NULL)
            return go_again(x);
        break;
    case END_UNREACHABLE:
        return exchange_fail(x, 502, "sluice_upstream_unreachable", 1000, -1,
                             "Sluice cannot connect to the upstream %s: %s.",
                             x->s->cfg->upstreams[x->upstream].name, x->detail);
    case END_GARBAGE:
        return exchange_fail(x, 502, "sluice_upstream_truncated", -1, -1,
                             "The upstream's answer is not valid HTTP.");
    case END_OK:
    case END_LOST:
    case END_TRUNCATED:
        break;
    }
    return exchange_fail(x, 502, "sluice_upstream_truncated", 1000, -1,
                         "The upstream closed the connection without an "
                         "answer.");
}

static enum step step_forward(struct exchange *x)
{
    if (x->granted_ns == 0) {
        x->granted_ns = now_ns(x);
        set_answer_deadline(x);
        start_transfer(x);
    }
    if (x->relay.mode != RELAY_NOTHING)
        return STEP_RELAY;
    if (x->ended)
        return explain_silence(x);
    if (now_ns(x) >= x->answer_deadline_ns) {
        stop_transfer(x);
        return exchange_fail(x, 504, "sluice_upstream_timeout", -1, -1,
                             "The upstream sent no answer within %" PRId64
                             " s.",
                             (now_ns(x) - x->granted_ns) / NS_PER_S);
    }
    beat(x);
    set_timer(x);
    return STEP_FORWARD;
}

/* ---- relay ----------------------------------------------------------------------------- */

static enum step finish_answer(struct exchange *x)
{
    bool whole = x->how == END_OK && relay_finish(x);

    if (whole) {
        client_end(&x->client);
        exchange_dirty(x);
        return STEP_FLUSH;
    }
    if (x->relay.mode == RELAY_EXPLAIN && x->how == END_OK)
        return exchange_fail(x, 502, "sluice_upstream_truncated", -1, -1,
                             "The upstream answered a streamed request with "
                             "status %d and no event stream.",
                             x->relay.status);
    if (x->how == END_GARBAGE)
        return exchange_fail(x, 502, "sluice_upstream_truncated", -1, -1,
                             "The upstream's answer is not valid HTTP.");
    return exchange_fail(x, 502, "sluice_upstream_truncated", 1000, -1,
                         "The upstream broke its answer off%s.",
                         x->how == END_OK ? " before [DONE]" : "");
}

static enum step step_relay(struct exchange *x)
{
    if (x->ended)
        return finish_answer(x);
    if (now_ns(x) >= x->idle_deadline_ns) {
        stop_transfer(x);
        return exchange_fail(x, 504, "sluice_upstream_timeout", -1, -1,
                             "The upstream fell silent for %" PRId64
                             " s in the middle of its answer "
                             "(timeouts.idle_s).",
                             x->s->cfg->idle_ms / 1000);
    }
    beat(x);
    set_timer(x);
    return STEP_RELAY;
}

/* ---- flush, settle ------------------------------------------------------------------------ */

/* An answer that cannot be completed is broken off after what is there. */
static enum step step_flush(struct exchange *x)
{
    bool over = x->client.ended || x->broken;

    loop_cancel(x->s->loop, &x->timer);
    return over && client_is_flushed(&x->client) ? STEP_SETTLE : STEP_FLUSH;
}

static int64_t ms_between(int64_t from, int64_t to)
{
    return from == 0 || to == 0 || to < from ? -1 : (to - from) / NS_PER_MS;
}

static void log_count(struct log_line *l, const char *key, int64_t value)
{
    if (value >= 0)
        log_int(l, key, value);
}

/* The publisher part of a model id: a bounded kind of name. */
static const char *provider_of(const char *model, char *out, size_t max)
{
    size_t n = strcspn(model, "/");

    if (model[n] == '\0' || n == 0)
        return NULL;
    snprintf(out, max, "%.*s", (int)n, model);
    return out;
}

static void log_exchange(struct exchange *x)
{
    const struct request *r = x->req;
    int64_t now = clock_now_ns();
    char provider[MODEL_MAX];
    struct log_line l;

    log_begin(&l, x->s->log,
              r->route != NULL && r->route->access == ACCESS_CLIENT
                  ? LOG_INFO_
                  : LOG_DEBUG_,
              x->gone ? "hangup" : "request");
    log_str(&l, "request_id", r->id);
    log_str(&l, "client", r->client);
    log_str(&l, "route", r->route != NULL ? r->route->name : "none");
    if (r->model[0] != '\0') {
        log_str(&l, "model", r->model);
        log_str(&l, "provider",
                provider_of(r->model, provider, sizeof(provider)));
    }
    log_bool(&l, "stream", r->stream);
    if (x->gone)
        log_str(&l, "phase",
                x->relay.mode != RELAY_NOTHING ? "relay"
                : x->granted                   ? "forward"
                                               : "queue");
    else
        log_int(&l, "status",
                x->error.status != 0 ? x->error.status : x->relay.status);
    log_str(&l, "code", x->error.code);
    log_count(&l, "queue_ms", ms_between(r->arrived_ns, x->granted_ns));
    log_count(&l, "ttfb_ms", ms_between(x->granted_ns, x->first_byte_ns));
    log_int(&l, "total_ms", (now - r->arrived_ns) / NS_PER_MS);
    log_int(&l, "attempts", x->attempts);
    log_int(&l, "bytes", (int64_t)x->client.bytes);
    log_count(&l, "prompt_tokens", x->relay.prompt_tokens);
    log_count(&l, "completion_tokens", x->relay.completion_tokens);
    if (x->attempts > 0 && x->relay.mode != RELAY_NOTHING)
        log_int(&l, "upstream_status", x->relay.status);
    if (x->relay.nvcf_reqid[0] != '\0')
        log_str(&l, "nvcf_reqid", x->relay.nvcf_reqid);
    if (x->detail[0] != '\0' && x->how != END_OK)
        log_str(&l, "detail", x->detail);
    log_end(&l);
}

static enum step step_settle(struct exchange *x)
{
    bool unsent = x->transfer != NULL
                      ? !transfer_has_sent(x->transfer)
                      : x->attempts == 0 || x->how == END_UNREACHABLE;

    log_exchange(x);
    loop_cancel(x->s->loop, &x->timer);
    models_forget(x->s->models, x);
    stop_transfer(x);
    if (x->ticket != NULL)
        limiter_done(x->s->lim, x->ticket, unsent);
    x->ticket = NULL;
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

static void on_client_drained(void *arg)
{
    struct exchange *x = arg;

    if (x->transfer != NULL)
        transfer_resume(x->transfer);
    exchange_run(x);
}

static const struct client_ops client_ops = {on_client_gone, on_client_drained};

void exchange_start(struct sluice *s, struct request *r)
{
    struct exchange *x = calloc(1, sizeof(*x));

    CHECK(x != NULL);
    x->s = s;
    x->req = r;
    x->timer.fn = on_timer;
    x->timer.arg = x;
    x->commit_ns = x->beat_ns = NEVER;
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
        exchange_run(x);
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

void exchange_abort_all(struct sluice *s)
{
    struct exchange *x, *next;

    for (x = s->exchanges; x != NULL; x = next) {
        next = x->next;
        if (x->step != STEP_DONE) {
            x->gone = true;
            exchange_run(x);
        }
    }
    exchange_flush_all(s);
}
