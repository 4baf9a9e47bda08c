/*
 * ready.c - could a request that comes now be served soon?
 *
 * Three checks: an upstream answers GET /v1/models with something below 500,
 * the queue has room, the bucket has tokens.  With several upstreams any one
 * suffices.  And while an operator has paused all, nobody is served soon,
 * whatever is healthy.
 *
 * What that means for us is ready_judge.c's to say.
 *
 *   ready_answer --> look() --> limiter_ready()
 *                     known    everyone who waits is answered
 *                     others   look again in a moment
 *                     ours     start(): all upstreams at once --> finish()
 *                              --> limiter_probed() --> look()
 *
 * The question costs no slot, for the upstream answers it before its limiter.
 * All workers together ask once in ready.probe_s, and only if somebody wants to
 * know.  Where every upstream refuses our key nothing can be served by us, and
 * whoever has another one is the better choice: then we are not ready.
 */
#include "fcgi/pages/ready.h"

#include <inttypes.h>
#include <string.h>

#include "fcgi/config/config.h"
#include "fcgi/exchange.h"
#include "fcgi/pages/ask_models.h"
#include "lib/log.h"
#include "state/operator.h"
#include "state/own_keys.h"

#define AGAIN_NS    (25 * NS_PER_MS)  /* while another worker asks */
#define BUSY_NS     (2 * NS_PER_MS)   /* while the state is busy */
#define PATIENCE_NS (2 * NS_PER_S)    /* with that: as for new requests */
#define SPARE_NS    (500 * NS_PER_MS) /* for our own lateness */

/* The question to one upstream. */
struct asked {
    struct ready *r;
    struct transfer *transfer; /* NULL: it has answered, or never will */
    int status;                /* of the answer; 0: none */
    bool again;                /* on a connection of its own */
};

struct ready {
    struct sluice *s;
    struct asked asked[LIMITER_UPSTREAMS];
    bool asking;                  /* transfers are under way */
    bool untold;                  /* STATUS is to be told to the limiter */
    int status;                   /* the best there was */
    char why[LIMITER_REASON_MAX]; /* of one without a connection; "": none is */
    int64_t deadline_ns;
    int64_t busy_ns; /* since when the state cannot be had; 0: it can */
    struct loop_timer timer;
    struct exchange *waiting[1024];
    size_t n_waiting;
};

static void look(struct ready *r);

static bool is_reachable(int status)
{
    return status > 0 && status < 500;
}

static bool is_key_trouble(int status)
{
    return status == 401 || status == 403;
}

/* ---- answering ----------------------------------------------------------- */

static const char *yes(bool holds)
{
    return holds ? "true" : "false";
}

static enum step answer(struct exchange *x, const struct ready_verdict *v)
{
    struct buf b = {NULL, 0, 0, 0};
    enum step next;

    buf_fmt(&b,
            "{\"ready\":%s,\"upstream_reachable\":%s,\"queue_healthy\":%s,"
            "\"token_bucket_healthy\":%s,\"upstream_key_ok\":%s,"
            "\"store_ok\":%s,\"paused\":%s,\"reason\":",
            yes(v->ready), yes(v->reachable), yes(v->queue), yes(v->tokens),
            v->key < 0 ? "null" : yes(v->key > 0),
            v->store < 0 ? "null" : yes(v->store > 0), yes(v->paused));
    if (v->reason[0] != '\0')
        buf_json(&b, v->reason);
    else
        buf_str(&b, "null");
    buf_str(&b, "}\n");
    next = exchange_json_as(x, v->ready ? 200 : 503, &b);
    buf_free(&b);
    return next;
}

static void answer_all(struct ready *r, const struct ready_verdict *v)
{
    while (r->n_waiting > 0) {
        struct exchange *x = r->waiting[--r->n_waiting];

        (void)answer(x, v);
        exchange_run(x);
    }
}

/* ---- asking -------------------------------------------------------------- */

static void on_sent(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct asked *a = arg;

    a->status = head->status;
}

/* Read to its end, so that the connection can be kept. */
static bool on_body(void *arg, const char *data, size_t len)
{
    (void)arg;
    (void)data;
    (void)len;
    return true;
}

/* The same list was asked for at the start (key_ask.c): it may refuse our key by
 * now, or take it again.  If the state is busy, the next one tells. */
static void tell_of_key(const struct asked *a)
{
    size_t i = (size_t)(a - a->r->asked);
    bool refused = is_key_trouble(a->status);
    const struct own_key_told told = {.word =
                                          refused ? KEY_REFUSED : KEY_UNTOLD,
                                      .status = (uint16_t)a->status,
                                      .by_list = true,
                                      .message = ""};
    bool done = a->r->s->cfg->upstreams[i].api_key == NULL ||
                (!refused && (a->status < 200 || a->status >= 300));

    if (!done)
        done = limiter_key_told(a->r->s->lim, (uint32_t)i, &told,
                                loop_now(a->r->s->loop));
    (void)done;
}

static void on_end(void *arg, enum transfer_end how, const char *detail);

static const struct transfer_ops ops = {NULL, on_sent, on_head, on_body,
                                        on_end};

static void ask(struct asked *a)
{
    struct ready *r = a->r;
    const struct config *cfg = r->s->cfg;

    a->status = 0;
    a->transfer = ask_models(r->s, (size_t)(a - r->asked),
                             min_i64(cfg->connect_ms, cfg->ready_probe_ms),
                             a->again, &ops, a);
}

/* Fine before a refused key before a broken upstream before none. */
static int rank(int status)
{
    if (!is_reachable(status))
        return status > 0;
    return is_key_trouble(status) ? 2 : 3;
}

static void stop(struct ready *r)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(r->asked); i++) {
        if (r->asked[i].transfer != NULL)
            transfer_cancel(r->asked[i].transfer);
        r->asked[i].transfer = NULL;
    }
    loop_cancel(r->s->loop, &r->timer);
    r->asking = false;
}

/* Time is up, or no more has to be known. */
static void finish(struct ready *r)
{
    size_t i;

    stop(r);
    r->status = 0;
    for (i = 0; i < r->s->cfg->n_upstreams; i++)
        if (rank(r->asked[i].status) > rank(r->status))
            r->status = r->asked[i].status;
    if (!is_reachable(r->status))
        log_say(r->s->log, LOG_WARN_, "ready",
                "no upstream answers GET /v1/models (status %d)%s%s", r->status,
                r->why[0] != '\0' ? ": " : "", r->why);
    r->untold = true;
    look(r);
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct asked *a = arg;
    struct ready *r = a->r;
    size_t i, left = 0;

    a->transfer = NULL;
    if (how == END_UNREACHABLE && r->why[0] == '\0')
        snprintf(r->why, sizeof(r->why), "%.31s: %.60s",
                 r->s->cfg->upstreams[a - r->asked].name, detail);
    if (how == END_STALE && a->status == 0 && !a->again) {
        a->again = true; /* a kept connection was dead, the upstream is not */
        ask(a);
        return;
    }
    tell_of_key(a);
    for (i = 0; i < r->s->cfg->n_upstreams; i++)
        left += r->asked[i].transfer != NULL;
    if (left == 0 || rank(a->status) == 3)
        finish(r);
}

static void start(struct ready *r)
{
    size_t i;

    r->asking = true;
    r->why[0] = '\0';
    r->deadline_ns =
        loop_now(r->s->loop) + r->s->cfg->ready_probe_ms * NS_PER_MS;
    loop_at(r->s->loop, &r->timer, r->deadline_ns);
    for (i = 0; i < r->s->cfg->n_upstreams; i++) {
        r->asked[i] = (struct asked){.r = r};
        ask(&r->asked[i]);
    }
}

/* ---- looking ------------------------------------------------------------- */

static void look_in(struct ready *r, int64_t ns)
{
    loop_at(r->s->loop, &r->timer, loop_now(r->s->loop) + ns);
}

/* The state cannot be had now: soon again, but not for ever. */
static void be_patient(struct ready *r)
{
    struct ready_verdict v = {
        .paused = limiter_is_paused(r->s->lim), .key = -1, .store = -1};
    int64_t now = loop_now(r->s->loop);

    if (r->busy_ns == 0)
        r->busy_ns = now;
    if (now - r->busy_ns < PATIENCE_NS) {
        look_in(r, BUSY_NS);
        return;
    }
    r->untold = false;
    r->busy_ns = 0;
    snprintf(v.reason, sizeof(v.reason),
             "the shared state cannot be used; the log says why");
    answer_all(r, &v);
}

static void look(struct ready *r)
{
    const struct config *cfg = r->s->cfg;
    int64_t probe_ns = cfg->ready_probe_ms * NS_PER_MS;
    int64_t now = loop_now(r->s->loop);
    struct limiter_probe_times times = {probe_ns, probe_ns + SPARE_NS};
    struct ready_verdict v;
    struct limiter_ready st;

    if (r->untold &&
        !limiter_probed(r->s->lim, is_reachable(r->status),
                        (uint16_t)min_i64(r->status, 999), r->why, now)) {
        be_patient(r);
        return;
    }
    r->untold = false;
    if (r->n_waiting == 0)
        return; /* or we would ask for nobody */
    if (!limiter_ready(r->s->lim, &times, now, &st)) {
        be_patient(r);
        return;
    }
    r->busy_ns = 0;
    switch (st.probe) {
    case PROBE_KNOWN:
        ready_judge(&v, &st, cfg, limiter_is_paused(r->s->lim));
        answer_all(r, &v);
        return;
    case PROBE_OURS:
        start(r);
        return;
    case PROBE_OTHERS:
        look_in(r, AGAIN_NS);
        return;
    }
}

static void on_timer(void *arg)
{
    struct ready *r = arg;

    if (r->asking)
        finish(r);
    else
        look(r);
}

/* ---- in and out ---------------------------------------------------------- */

struct ready *ready_new(struct sluice *s)
{
    struct ready *r = calloc(1, sizeof(*r));

    CHECK(r != NULL);
    r->s = s;
    r->timer.fn = on_timer;
    r->timer.arg = r;
    return r;
}

void ready_free(struct ready *r)
{
    if (r == NULL)
        return;
    stop(r);
    free(r);
}

static void stop_waiting(struct exchange *x)
{
    struct ready *r = x->s->ready;
    size_t i;

    for (i = 0; i < r->n_waiting; i++)
        if (r->waiting[i] == x)
            r->waiting[i--] = r->waiting[--r->n_waiting];
}

enum step ready_answer(struct exchange *x)
{
    struct ready *r = x->s->ready;

    if (r->n_waiting == ARRAY_LEN(r->waiting))
        return exchange_fail_as(x, 503, ERROR_QUEUE_FULL, 1000, 1,
                                "Too many clients ask whether we are ready.");
    r->waiting[r->n_waiting++] = x;
    if (!r->asking)
        look(r); /* may answer at once */
    return exchange_wait(x, stop_waiting);
}
