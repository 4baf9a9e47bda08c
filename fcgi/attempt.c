/*
 * attempt.c - how does a request go to the upstream, and its answer come?
 *
 * upstream.c moves the bytes, answer_probe.c keeps them until follow_up.c says
 * what they mean, and from then on relay.c decides what the client sees.
 */
#include "fcgi/attempt.h"

#include <string.h>

#include "fcgi/as_chat.h"
#include "fcgi/choices.h"
#include "fcgi/conceal.h"
#include "fcgi/config/api_url.h"
#include "fcgi/config/config.h"
#include "fcgi/model_name.h"
#include "fcgi/onward_headers.h"
#include "fcgi/relay.h"
#include "fcgi/request_stats.h"
#include "fcgi/route.h"
#include "fcgi/thinking_ask.h"
#include "fcgi/usage_report.h"

/* ---- what the transfer tells ------------------------------------------------ */

/* A poll uses no slot. */
static bool may_write(void *arg)
{
    struct exchange *x = arg;

    return x->attempt.errand != ERRAND_REQUEST ||
           limiter_may_write(x->s->lim, x->place.ticket, exchange_now(x));
}

static void on_sent(void *arg)
{
    struct exchange *x = arg;

    limiter_sent(x->s->lim, x->place.ticket);
}

void attempt_is_heard(struct exchange *x)
{
    x->due.at[DUE_IDLE] = exchange_now(x) + x->s->cfg->idle_ms * NS_PER_MS;
}

/* Where a thing lies that was made, or what tells how far it is: it is to be had
 * here, with a key that only we have. */
static void map_back(const struct exchange *x, struct upstream_head *head)
{
    static const char *const names[] = {"location", "content-location",
                                        "operation-location"};
    struct buf mapped = {NULL, 0, 0, 0};
    const char *value;
    size_t i;

    for (i = 0; i < ARRAY_LEN(names) && head->status < 300; i++) {
        value = upstream_header(head, names[i]);
        if (value != NULL && api_url_back(&mapped, attempt_upstream(x), value))
            head_replace(head, names[i], buf_head(&mapped));
        buf_free(&mapped);
    }
}

/* Whoever has heard has its connection, and needs no descriptor any more that
 * new requests would have to leave it (accept.c). */
static void count_connected(struct exchange *x, bool is_it)
{
    struct attempt *a = &x->attempt;

    if (a->is_connected != is_it)
        x->s->n_unconnected += is_it ? UINT32_MAX : 1;
    a->is_connected = is_it;
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct exchange *x = arg;
    struct attempt *a = &x->attempt;

    if (a->first_byte_ns == 0)
        a->first_byte_ns = exchange_now(x);
    count_connected(x, true);
    request_stats_head(x);
    a->status = head->status;
    conceal_head(x, head);
    map_back(x, head);
    answer_probe_begin(&a->probe, head,
                       x->req->route->needs_json || relay_wants_events(x));
    attempt_is_heard(x);
    exchange_run(x);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct exchange *x = arg;

    if (x->relay.mode == RELAY_NOTHING) {
        answer_probe_body(&x->attempt.probe, data, len);
        attempt_is_heard(x);
        exchange_run(x);
        return true;
    }
    if (relay_is_full(x)) {
        /* It is the client that is slow: these bytes come again. */
        x->due.at[DUE_IDLE] = x->due.at[DUE_OVER] = NEVER;
        return false;
    }
    x->s->gather.pieces += x->relay.mode == RELAY_STREAM;
    relay_body(x, data, len);
    attempt_is_heard(x);
    if (x->due.at[DUE_OVER] != NEVER)
        exchange_run(x); /* for its timer */
    return true;
}

/* Most have none, and need no room for it. */
static void note_detail(struct exchange *x, const char *text)
{
    struct seldom *seldom;

    if (x->seldom == NULL && *text == '\0')
        return;
    seldom = exchange_noted(x);
    snprintf(seldom->detail, sizeof(seldom->detail), "%s", text);
    conceal_text(x, seldom->detail);
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct exchange *x = arg;
    struct attempt *a = &x->attempt;

    a->transfer = NULL;
    a->state = ATTEMPT_ENDED;
    count_connected(x, false);
    request_stats_end(x);
    a->how = how;
    a->may_have_sent = a->errand != ERRAND_REQUEST ||
                       (how != END_UNREACHABLE && how != END_HELD);
    note_detail(x, how == END_OK ? "" : detail);
    exchange_run(x);
}

static const struct transfer_ops transfer_ops = {may_write, on_sent, on_head,
                                                 on_body, on_end};

/* ---- what is asked ---------------------------------------------------------- */

/* What is asked for, and where; URL is its text. */
static void aim(struct transfer_request *req, struct buf *url,
                const struct exchange *x)
{
    const struct config_upstream *up = attempt_upstream(x);
    const struct buf *body = as_chat_body(x);

    switch (x->attempt.errand) {
    case ERRAND_REQUEST:
        api_url(url, up, as_chat_target(x));
        req->method = x->req->method;
        req->body = body->len > 0 ? buf_head(body) : NULL;
        req->body_len = body->len;
        break;
    case ERRAND_POLL:
        api_url(url, up, exchange_seldom(x)->nvcf.target);
        break;
    case ERRAND_RESULT:
        buf_add(url, exchange_seldom(x)->nvcf.result,
                strlen(exchange_seldom(x)->nvcf.result) + 1);
        break;
    }
    req->url = buf_head(url);
}

bool attempt_choose(struct exchange *x, uint32_t upstream, const char *name)
{
    struct attempt *a = &x->attempt;
    const char *other = name != NULL ? name : "";
    bool is_other = strcmp(exchange_seldom(x)->stand_in, other) != 0;

    if (a->upstream != upstream || is_other) {
        usage_report_take_back(x); /* who it is asked of is another */
        a->refused_fields = 0;
    }
    if (is_other) {
        struct seldom *n = exchange_noted(x);

        if (!model_name_change(x->req,
                               name != NULL ? name : request_model(x->req)))
            return false;
        snprintf(n->stand_in, sizeof(n->stand_in), "%s", other);
        request_short_name(n->short_stand_in, n->stand_in, strlen(n->stand_in));
    }
    a->upstream = upstream;
    return true;
}

/* ---- from beginning to end -------------------------------------------------- */

/* For a connection.  Where another upstream may serve it one that does not answer is
 * left sooner: two seconds are two lost SYNs. */
static int64_t patience_ms(const struct exchange *x)
{
    const struct place *p = &x->place;
    bool has_others = p->choices != NULL && p->moves + 1 < p->choices->n;

    return has_others ? min_i64(x->s->cfg->connect_ms, 2000)
                      : x->s->cfg->connect_ms;
}

void attempt_begin(struct exchange *x)
{
    struct attempt *a = &x->attempt;
    struct onward_headers headers;
    struct buf url = {NULL, 0, 0, 0};
    struct transfer_request req = {
        .method = "GET",
        .connect_ms = patience_ms(x),
        /* A kept one may be dead, and nobody can tell what it has taken. */
        .fresh = a->is_fresh || (a->errand == ERRAND_REQUEST &&
                                 !request_is_repeatable(x->req)),
        .is_streamed = relay_wants_events(x),
        .via = attempt_upstream(x),
        .elsewhere = a->errand == ERRAND_RESULT,
    };

    if (a->errand == ERRAND_REQUEST) {
        as_chat_choose(x);
        thinking_ask(x);
        usage_report_ask(x);
    }
    aim(&req, &url, x);
    req.headers = onward_headers_make(&headers, x);
    answer_probe_clear(&a->probe);
    if (a->errand == ERRAND_REQUEST) {
        a->sends++;
        a->first_byte_ns = 0;
    }
    request_stats_begin(x);
    a->state = ATTEMPT_BEGUN;
    a->may_have_sent = a->errand != ERRAND_REQUEST;
    a->transfer = transfer_start(x->s->up, &req, &transfer_ops, x);
    onward_headers_forget(&headers);
    buf_free(&url);
}

void attempt_drop_body(struct exchange *x)
{
    const struct transfer *t = x->attempt.transfer;

    if (x->req->body.data == NULL || (t != NULL && !transfer_is_uploaded(t)))
        return;
    buf_free(&x->req->body);
    buf_free(&x->req->as_came);
    limiter_body_gone(x->s->lim, x->place.ticket);
}

void attempt_stop(struct exchange *x)
{
    struct attempt *a = &x->attempt;

    if (a->transfer == NULL)
        return;
    a->may_have_sent =
        a->errand != ERRAND_REQUEST || transfer_has_sent(a->transfer);
    transfer_cancel(a->transfer);
    a->transfer = NULL;
    count_connected(x, false);
    request_stats_end(x);
}

void attempt_forget(struct exchange *x)
{
    attempt_stop(x);
    request_stats_again(x);
    answer_probe_clear(&x->attempt.probe);
    x->attempt.state = ATTEMPT_NONE;
    x->due.at[DUE_IDLE] = x->due.at[DUE_BLANK] = NEVER;
}

void attempt_fini(struct attempt *a)
{
    answer_probe_clear(&a->probe);
}

/* ---- what is known of it ---------------------------------------------------- */

const struct config_upstream *attempt_upstream(const struct exchange *x)
{
    return &x->s->cfg->upstreams[x->attempt.upstream];
}

bool attempt_is_unsent(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;

    return a->errand == ERRAND_REQUEST && a->transfer != NULL &&
           !transfer_has_sent(a->transfer);
}

bool attempt_may_be_done(const struct exchange *x)
{
    const struct attempt *a = &x->attempt;

    return a->state != ATTEMPT_NONE && a->errand == ERRAND_REQUEST &&
           !request_is_repeatable(x->req) &&
           (a->may_have_sent || a->transfer != NULL);
}
