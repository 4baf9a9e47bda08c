/* stage.c - a worker, a request, and what is seen of it from outside. */
#include "stage.h"

#include "fcgi/choices.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CUnit/CUnit.h>

#include "fcgi/adopt.h"
#include "fcgi/as_chat.h"
#include "fcgi/ask_how.h"
#include "fcgi/gate.h"
#include "fcgi/pages/events.h"
#include "fcgi/pages/models.h"
#include "fcgi/pages/ready.h"
#include "fcgi/pages/routes.h"
#include "fcgi/request_stats.h"
#include "house.h"
#include "lib/log.h"

#define FCGI_ID 0x0102

/* ---- a worker ------------------------------------------------------------------ */

static void open_config(struct stage *st, const char *settings)
{
    char err[512] = "";

    house_settings(settings != NULL ? settings : "{}");
    if (config_load(&st->s.cfg, house_env(), err, sizeof(err)) == -1 ||
        adopt_start(&st->s, house_env(), err, sizeof(err)) == -1) {
        printf("\n    %s\n", err);
        CU_FAIL_FATAL("the settings");
    }
}

struct stage *stage_new(const char *settings)
{
    struct stage *st = calloc(1, sizeof(*st));
    struct sluice *s = &st->s;

    CHECK(st != NULL);
    st->peer = -1;
    s->lim = fake_limiter_new();
    s->up = fake_upstream_new();
    s->loop = loop_new();
    CHECK(s->loop != NULL);
    CHECK(log_open(&s->log, house_log_path(), LOG_DEBUG_) == 0);
    open_config(st, settings);
    s->fresh_ns = NS_PER_S;
    s->models = models_new(s);
    s->ready = ready_new(s);
    s->events = events_new(s);
    return st;
}

static void hang_up(struct stage *st)
{
    if (st->peer != -1)
        close(st->peer);
    st->peer = -1;
}

void stage_free(struct stage *st)
{
    struct sluice *s = &st->s;

    exchange_abort_all(s);
    CU_ASSERT_EQUAL(s->n_exchanges, 0);
    CU_ASSERT_EQUAL(s->n_unconnected, 0);
    CU_ASSERT_PTR_NULL(s->exchanges);
    adopt_free(s->adopt);
    models_free(s->models);
    ready_free(s->ready);
    events_free(s->events);
    fake_upstream_free(s->up);
    fake_limiter_free(s->lim);
    loop_free(s->loop);
    log_close(s->log);
    config_free(s->cfg);
    hang_up(st);
    while (st->n_params > 0)
        free(st->params[--st->n_params]);
    buf_free(&st->got);
    buf_free(&st->said);
    free(st);
}

/* ---- the web server ---------------------------------------------------------------- */

/* Records that are whole; only these two kinds come. */
static void read_records(struct stage *st)
{
    while (st->got.len >= 8) {
        const unsigned char *p = (const unsigned char *)buf_head(&st->got);
        size_t len = (size_t)p[4] << 8 | p[5], all = 8 + len + p[6];

        if (st->got.len < all)
            return;
        CU_ASSERT_FALSE(st->ended);
        CU_ASSERT_EQUAL(p[2] << 8 | p[3], FCGI_ID);
        if (p[1] == 6)
            buf_add(&st->said, p + 8, len);
        else
            st->ended = p[1] == 3;
        buf_take(&st->got, all);
    }
}

static void hear(struct stage *st)
{
    ssize_t n = 1;

    while (st->peer != -1 && !st->is_deaf && n > 0) {
        n = recv(st->peer, buf_room(&st->got, 65536), 65536, MSG_DONTWAIT);
        if (n > 0)
            st->got.len += (size_t)n;
        st->closed = st->closed || n == 0;
    }
    read_records(st);
}

void stage_take(struct stage *st, size_t n)
{
    ssize_t m = recv(st->peer, buf_room(&st->got, n), n, MSG_DONTWAIT);

    CHECK(m > 0);
    st->got.len += (size_t)m;
}

void stage_param(struct stage *st, const char *param)
{
    CHECK(st->n_params < STAGE_PARAMS);
    st->params[st->n_params++] = strdup(param);
}

static void add_param(struct stage *st, const char *name, const char *value)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "%s=%s", name, value);
    stage_param(st, text);
}

static void connect_client(struct stage *st)
{
    int fds[2], few = DEAF_BYTES;

    hang_up(st);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    if (st->is_deaf)
        CHECK(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &few, sizeof(few)) ==
              0);
    st->peer = fds[1];
    st->r->fd = fds[0];
    st->r->fcgi_id = FCGI_ID;
    buf_free(&st->got);
    buf_free(&st->said);
    st->ended = st->closed = false;
}

/* As receive.c does, but that step_route() is left to ask who calls. */
static void read_request(struct stage *st, const char *body)
{
    struct gate *g = gate_new(&routes_all, st->s.cfg->max_body_bytes);
    struct asking how;

    st->r = request_new(st->params, loop_now(st->s.loop));
    if (gate_admits(g, st->r)) {
        if (body != NULL)
            buf_str(&st->r->body, body);
        gate_follow(g, st->s.cfg);
        if (as_chat_protocol(st->r) != NULL) {
            ask_how(st->r, g, &how);
            as_chat_make(st->r, gate_speakers(g, as_chat_protocol(st->r)),
                         &how);
        }
        request_parse_body(st->r);
    }
    gate_free(g);
}

void stage_ask(struct stage *st, const char *method, const char *target,
               const char *body)
{
    char length[24];

    add_param(st, "REQUEST_METHOD", method);
    add_param(st, "REQUEST_URI", target);
    add_param(st, "REMOTE_ADDR", "127.0.0.1");
    if (body != NULL) {
        (void)snprintf(length, sizeof(length), "%zu", strlen(body));
        add_param(st, "CONTENT_LENGTH", length);
        add_param(st, "CONTENT_TYPE", "application/json");
    }
    read_request(st, body);
    connect_client(st);
    exchange_start(&st->s, st->r);
    while (st->n_params > 0)
        free(st->params[--st->n_params]);
    memset(st->params, 0, sizeof(st->params));
    stage_settle(st);
}

void stage_chat(struct stage *st, bool stream)
{
    stage_ask(st, "POST", "/v1/chat/completions", stream ? CHAT_STREAM : CHAT);
}

/* ---- what happens --------------------------------------------------------------------- */

void stage_settle(struct stage *st)
{
    exchange_flush_all(&st->s);
    exchange_watch_all(&st->s);
    log_flush(st->s.log); /* what waits for others would wait for ever here */
    hear(st);
}

static void after_step(void *arg)
{
    struct stage *st = arg;

    stage_settle(st);
    loop_stop(st->s.loop);
}

static void on_time(void *arg)
{
    (void)arg;
}

/* A step of the loop, which does not wait: a timer of ours is due. */
static void one_step(struct stage *st)
{
    struct loop_timer now = {.fn = on_time};

    loop_at(st->s.loop, &now, 1);
    loop_run(st->s.loop, after_step, st);
    loop_cancel(st->s.loop, &now);
}

void stage_pass(struct stage *st, int64_t ms)
{
    fake_clock_pass(ms);
    one_step(st);
    one_step(st); /* a timer that was set to now */
}

void stage_hang_up(struct stage *st)
{
    hang_up(st);
    one_step(st);
}

void stage_drain(struct stage *st)
{
    st->s.draining = true;
    events_end_all(st->s.events);
    exchange_drain_all(&st->s);
    stage_settle(st);
}

void stage_pause(struct stage *st)
{
    st->s.lim->paused = st->s.paused = true;
    exchange_recall_all(&st->s);
    stage_settle(st);
}

void stage_grant(struct stage *st)
{
    fake_grant(st->s.lim);
    stage_settle(st);
}

void stage_grant_by(struct stage *st, uint32_t upstream, const char *name)
{
    const struct choices *c = st->s.exchanges->place.choices;
    const char *wanted = name != NULL ? name : "", *has;
    uint32_t i;

    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    for (i = 0; i < c->n; i++) {
        has = c->names[i] != NULL ? c->names[i] : "";
        if (c->list[i].upstream == upstream && strcmp(has, wanted) == 0)
            break;
    }
    CU_ASSERT_FATAL(i < c->n);
    st->s.lim->choice = i;
    stage_grant(st);
    st->s.lim->choice = 0;
}

void stage_refuse(struct stage *st, enum limiter_refusal why, int64_t eta_ns)
{
    fake_refuse(st->s.lim, why, eta_ns);
    stage_settle(st);
}

void stage_cancel(struct stage *st)
{
    fake_cancel(st->s.lim);
    stage_settle(st);
}

void stage_answer(struct stage *st, int status, const char *headers,
                  const char *body)
{
    wire_answer(st->s.up, status, headers, body);
    stage_settle(st);
}

/* ---- what is seen ------------------------------------------------------------------------ */

bool stage_is_over(const struct stage *st)
{
    return st->s.n_exchanges == 0;
}

const char *stage_log(struct stage *st)
{
    (void)st;
    return house_log();
}

static const char *all_said(struct stage *st)
{
    buf_add(&st->said, "", 1);
    st->said.len--;
    return buf_head(&st->said);
}

static void judge(bool fine, const char *what, const char *wanted,
                  const char *is, int line, const char *file)
{
    char text[160];

    if (!fine)
        printf("\n    %s\n      should be: %s\n      is:        %s\n", what,
               wanted, is);
    (void)snprintf(text, sizeof(text), "%s: %.100s", what, wanted);
    CU_assertImplementation(fine, (unsigned)line, text, file, "", CU_FALSE);
}

void stage_told(struct stage *st, const char *wanted, int line,
                const char *file)
{
    const char *is = fake_told(st->s.lim);

    judge(strcmp(is, wanted) == 0, "the limiter is told", wanted, is, line,
          file);
}

void stage_said(struct stage *st, const char *wanted, bool is_there, int line,
                const char *file)
{
    const char *is = all_said(st);

    judge((strstr(is, wanted) != NULL) == is_there,
          is_there ? "the client hears" : "the client does not hear", wanted,
          is, line, file);
}

void stage_noted(struct stage *st, const char *wanted, int line,
                 const char *file)
{
    const struct limiter_note *n = &st->s.lim->note;
    char is[160] = "";

    CU_ASSERT_TRUE(st->s.lim->notes <= 1);
    if (st->s.lim->notes > 0)
        (void)snprintf(is, sizeof(is), "%s %u %s %s x%u",
                       outcome_names[n->outcome], n->status,
                       reason_names[n->reason], phase_names[n->phase],
                       n->attempts);
    judge(strcmp(is, wanted) == 0, "it is noted", wanted, is, line, file);
}

void stage_sends(struct stage *st, const char *wanted, int line,
                 const char *file)
{
    struct buf *b = &st->s.lim->sends;

    buf_add(b, "", 1);
    b->len--;
    judge(strcmp(buf_head(b), wanted) == 0, "of its sends is noted", wanted,
          buf_head(b), line, file);
}
