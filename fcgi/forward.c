/*
 * forward.c - how does a granted request become an answer?
 *
 *   forward_step   an attempt is begun; until its answer can be judged
 *   forward_pause  until the next attempt, or the next poll
 *   forward_relay  until the answer ends
 *
 * upstream.c moves the bytes, answer_probe.c keeps them until attempt.c says what they
 * mean, and relay.c decides what the client sees of them.
 */
#include "fcgi/forward.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/attempt.h"
#include "fcgi/conceal.h"
#include "fcgi/config/config.h"
#include "fcgi/refuse.h"
#include "fcgi/route.h"

static int64_t now_ns(const struct exchange *x)
{
    return loop_now(x->s->loop);
}

/* ---- what the transfer tells -------------------------------------------------- */

/* A poll uses no slot. */
static bool may_write(void *arg)
{
    struct exchange *x = arg;

    return x->errand != ERRAND_REQUEST ||
           limiter_may_write(x->s->lim, x->ticket, now_ns(x));
}

static void on_sent(void *arg)
{
    struct exchange *x = arg;

    limiter_sent(x->s->lim, x->ticket);
}

static void restart_idle(struct exchange *x)
{
    x->idle_deadline_ns = now_ns(x) + x->s->cfg->idle_ms * NS_PER_MS;
    if (x->relay.mode == RELAY_STREAM)
        x->beat_ns = now_ns(x) + x->s->cfg->heartbeat_ms * NS_PER_MS;
}

void forward_drop_body(struct exchange *x)
{
    if (x->req->body.data == NULL ||
        (x->transfer != NULL && !transfer_is_uploaded(x->transfer)))
        return;
    buf_free(&x->req->body);
    limiter_body_gone(x->s->lim, x->ticket);
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct exchange *x = arg;

    if (x->first_byte_ns == 0)
        x->first_byte_ns = now_ns(x);
    request_stats_head(x);
    x->upstream_status = head->status;
    conceal_head(x, head);
    answer_probe_begin(&x->trial, head,
                       x->req->route->needs_json || relay_wants_events(x));
    restart_idle(x);
    exchange_run(x);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct exchange *x = arg;

    if (x->relay.mode == RELAY_NOTHING) {
        answer_probe_body(&x->trial, data, len);
        restart_idle(x);
        exchange_run(x);
        return true;
    }
    if (relay_is_full(x)) {
        /* It is the client that is slow: these bytes come again. */
        x->idle_deadline_ns = x->relay.over_ns = NEVER;
        return false;
    }
    relay_body(x, data, len);
    restart_idle(x);
    if (x->relay.over_ns != NEVER)
        exchange_run(x); /* for its timer */
    return true;
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct exchange *x = arg;

    x->transfer = NULL;
    x->ended = true;
    request_stats_end(x);
    x->how = how;
    x->may_have_sent = x->errand != ERRAND_REQUEST ||
                       (how != END_UNREACHABLE && how != END_HELD);
    x->detail[0] = '\0';
    if (how != END_OK)
        snprintf(x->detail, sizeof(x->detail), "%s", detail);
    conceal_text(x, x->detail);
    exchange_run(x);
}

static const struct transfer_ops transfer_ops = {may_write, on_sent, on_head,
                                                 on_body, on_end};

/* ---- the transfer -------------------------------------------------------------- */

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
    buf_str(&l->text, name);
    buf_add(&l->text, ": ", 2);
    buf_add(&l->text, value, strlen(value) + 1);
}

static int64_t ms_left(const struct exchange *x)
{
    return (x->answer_deadline_ns - now_ns(x)) / NS_PER_MS;
}

/* What the client sent, as far as it matters to the upstream. */
static void add_request_headers(struct header_list *l, const struct exchange *x)
{
    const struct request *r = x->req;
    bool has_accept = false, has_poll = false;
    size_t i;

    for (i = 0; i < r->n_forward; i++) {
        add_header(l, r->forward[i].name, r->forward[i].value);
        has_accept = has_accept || strcmp(r->forward[i].name, "Accept") == 0;
        has_poll =
            has_poll || strcmp(r->forward[i].name, "NVCF-POLL-SECONDS") == 0;
    }
    if (!r->has_type && r->body.len > 0 && r->route->needs_json)
        add_header(l, "Content-Type", "application/json");
    if (!has_accept)
        add_header(l, "Accept",
                   relay_wants_events(x) ? "text/event-stream" : "*/*");
    if (!has_poll) {
        l->at[l->n++] = l->text.len;
        buf_str(&l->text, "NVCF-POLL-SECONDS: ");
        buf_int(&l->text, nvcf_poll_seconds(ms_left(x)));
        buf_add(&l->text, "", 1);
    }
}

/* The key comes last: no other line may move it, or a copy of it would stay
 * behind in memory that is not wiped.  It goes to the upstream alone. */
static void add_headers(struct header_list *l, const struct exchange *x)
{
    const struct request *r = x->req;
    const char *key = x->s->cfg->upstreams[x->upstream].api_key;

    if (x->errand == ERRAND_REQUEST)
        add_request_headers(l, x);
    else
        add_header(l, "Accept", "*/*");
    add_header(l, "X-Request-Id", r->id);
    if (x->errand == ERRAND_RESULT)
        return;
    if (key != NULL) {
        l->at[l->n++] = l->text.len;
        buf_str(&l->text, "Authorization: Bearer ");
        buf_add(&l->text, key, strlen(key) + 1);
    } else if (r->authorization != NULL) {
        add_header(l, "Authorization", r->authorization);
    }
}

/* What is asked for, and where. */
static void aim(struct transfer_request *req, const struct exchange *x)
{
    switch (x->errand) {
    case ERRAND_REQUEST:
        req->target = x->req->target;
        req->method = x->req->method;
        req->body = x->req->body.len > 0 ? buf_head(&x->req->body) : NULL;
        req->body_len = x->req->body.len;
        break;
    case ERRAND_POLL:
        req->target = x->nvcf.target;
        break;
    case ERRAND_RESULT:
        req->base_url = "";
        req->target = x->nvcf.result;
        break;
    }
}

static void start_transfer(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    struct header_list l = {{NULL, 0, 0, 0}, {0}, 0};
    const char *lines[HEADERS_MAX + 1];
    struct transfer_request req = {
        .base_url = cfg->upstreams[x->upstream].base_url,
        .method = "GET",
        .headers = lines,
        .connect_ms = cfg->connect_ms,
        /* A kept one may be dead, and nobody can tell what it has taken. */
        .fresh = x->fresh || (x->errand == ERRAND_REQUEST &&
                              !request_is_repeatable(x->req)),
    };
    size_t i;

    aim(&req, x);
    add_headers(&l, x);
    for (i = 0; i < l.n; i++)
        lines[i] = buf_head(&l.text) + l.at[i];
    lines[l.n] = NULL;
    answer_probe_clear(&x->trial);
    if (x->errand == ERRAND_REQUEST) {
        x->attempts++;
        x->first_byte_ns = 0;
    }
    request_stats_begin(x);
    x->under_way = true;
    x->ended = false;
    x->may_have_sent = x->errand != ERRAND_REQUEST;
    x->transfer = transfer_start(x->s->up, &req, &transfer_ops, x);
    explicit_bzero(l.text.data, l.text.cap);
    buf_free(&l.text);
}

/* What is left of the client's own time if it waits for a buffered answer.
 * One that is free waits nowhere else, so all its attempts share a deadline. */
static void set_answer_deadline(struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    int64_t client_ms = x->req->client_timeout_ms;

    if (x->is_free && x->answer_deadline_ns != NEVER)
        return; /* one for all its attempts */
    x->asked_ns = now_ns(x);
    x->answer_deadline_ns = now_ns(x) + cfg->first_byte_ms * NS_PER_MS;
    if (exchange_is_silent(x) && client_ms >= 0)
        x->answer_deadline_ns = x->req->arrived_ns + client_ms * NS_PER_MS;
}

void forward_stop(struct exchange *x)
{
    if (x->transfer == NULL)
        return;
    x->may_have_sent =
        x->errand != ERRAND_REQUEST || transfer_has_sent(x->transfer);
    transfer_cancel(x->transfer);
    x->transfer = NULL;
    request_stats_end(x);
}

enum step forward_pass(struct exchange *x)
{
    struct answer_probe *t = &x->trial;

    forward_drop_body(x);
    relay_head(x, &t->head, t->kind);
    restart_idle(x);     /* from here on a stream gets signs of life */
    if (t->body.len > 0) /* all of it: nobody would bring it again */
        relay_body(x, buf_head(&t->body), t->body.len);
    answer_probe_clear(t);
    return STEP_RELAY;
}

static enum step give_up(struct exchange *x)
{
    if (x->under_way || x->errand != ERRAND_REQUEST)
        request_stats_error(x,
                            UPSTREAM_TIMEOUT); /* else it is counted already */
    forward_stop(x);
    return exchange_fail(x, 504, "sluice_upstream_timeout", -1, -1,
                         "The upstream sent no answer within %" PRId64 " s.",
                         (now_ns(x) - x->asked_ns) / NS_PER_S);
}

/*
 * Does the upstream send white space instead of its JSON, and has the client
 * heard nothing for as long as it may?  Until then an answer that fails can
 * still become another attempt, or a status.
 */
static bool is_kept_waiting(const struct exchange *x)
{
    const struct config *cfg = x->s->cfg;
    int64_t ms = cfg->commit_after_ms, client_ms = x->req->client_timeout_ms;

    if (x->trial.body.len == 0 || relay_wants_events(x))
        return false;
    if (client_ms >= 0)
        ms = min_i64(ms, client_ms / 2);
    return now_ns(x) - x->req->arrived_ns >= ms * NS_PER_MS &&
           answer_probe_is_blank(&x->trial);
}

enum step forward_step(struct exchange *x)
{
    if (!x->under_way) {
        if (x->errand == ERRAND_REQUEST)
            set_answer_deadline(x);
        start_transfer(x);
    }
    if (answer_probe_is_ripe(&x->trial, x->ended) || is_kept_waiting(x))
        return attempt_answer(x);
    if (x->ended)
        return attempt_silence(x);
    if (now_ns(x) >= x->answer_deadline_ns)
        return give_up(x);
    exchange_tick(x);
    return STEP_FORWARD;
}

enum step forward_pause(struct exchange *x)
{
    if (now_ns(x) >= x->answer_deadline_ns)
        return give_up(x);
    if (x->s->draining && x->errand == ERRAND_REQUEST)
        return refuse_draining(x); /* it waits, as those in line do */
    if (now_ns(x) >= x->pause_ns)
        return attempt_go_on(x);
    exchange_tick(x);
    return STEP_PAUSE;
}

/* ---- relay ----------------------------------------------------------------------------- */

/* Neither events nor an answer that could be told as some. */
static enum step no_events(struct exchange *x)
{
    int status = x->relay.status < 400 ? 502 : x->relay.status;
    char why[256];

    relay_why_not(x, why, sizeof(why));
    request_stats_error(x, UPSTREAM_GARBAGE);
    return exchange_fail(x, status, "upstream_error", -1, -1, "%s", why);
}

static enum step broken_off(struct exchange *x)
{
    request_stats_error(x, x->how == END_GARBAGE ? UPSTREAM_GARBAGE
                                                 : UPSTREAM_TRUNCATED);
    if (x->how == END_GARBAGE)
        return exchange_fail(x, 502, "sluice_upstream_truncated", -1, -1,
                             "The upstream's answer is not valid HTTP.");
    return exchange_fail(x, 502, "sluice_upstream_truncated", 1000, -1,
                         "The upstream broke its answer off%s.",
                         x->how == END_OK ? " before its end" : "");
}

static enum step finish_answer(struct exchange *x)
{
    bool ended_well = x->how == END_OK || relay_has_ended(x);

    if (!ended_well)
        return broken_off(x);
    if (!relay_finish(x))
        return x->relay.mode == RELAY_EXPLAIN ? no_events(x) : broken_off(x);
    if (x->relay.told_error) /* a 200 that is none */
        request_stats_judged(x, OUTCOME_UPSTREAM_ERROR, UPSTREAM_SERVER);
    client_end(&x->client);
    exchange_dirty(x);
    return STEP_FLUSH;
}

enum step forward_relay(struct exchange *x)
{
    if (x->ended)
        return finish_answer(x);
    if (now_ns(x) >= x->relay.over_ns) {
        forward_stop(x);
        x->how = END_OK; /* of the answer, if not of its connection */
        return finish_answer(x);
    }
    if (now_ns(x) >= x->idle_deadline_ns) {
        request_stats_error(x, UPSTREAM_TIMEOUT);
        forward_stop(x);
        return exchange_fail(x, 504, "sluice_upstream_timeout", -1, -1,
                             "The upstream fell silent for %" PRId64
                             " s in the middle of its answer "
                             "(timeouts.idle_s).",
                             x->s->cfg->idle_ms / 1000);
    }
    exchange_tick(x);
    return STEP_RELAY;
}
