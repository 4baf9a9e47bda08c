/* fake_transfer.c - what is the upstream asked, and what does it answer? */
#include "fake_transfer.h"

#include <string.h>

#include <CUnit/CUnit.h>

#include "lib/base.h"

struct transfer {
    struct transfer *next; /* the one before it */
    struct upstream *u;
    const struct transfer_ops *ops; /* NULL: cancelled, or over */
    void *arg;
    struct fake_ask ask;
    const void *body; /* borrowed until the end */
    size_t body_len;
    bool has_sent, is_sent, is_uploaded, paused, wakes;
};

struct upstream {
    struct transfer *newest;
    uint32_t started;
};

/* ---- for a test ------------------------------------------------------------- */

struct upstream *fake_upstream_new(void)
{
    struct upstream *u = calloc(1, sizeof(*u));

    CHECK(u != NULL);
    return u;
}

void fake_upstream_free(struct upstream *u)
{
    struct transfer *t;

    CU_ASSERT_EQUAL(fake_under_way(u), 0);
    while ((t = u->newest) != NULL) {
        u->newest = t->next;
        buf_free(&t->ask.headers);
        buf_free(&t->ask.body);
        free(t);
    }
    free(u);
}

uint32_t fake_started(const struct upstream *u)
{
    return u->started;
}

uint32_t fake_under_way(const struct upstream *u)
{
    const struct transfer *t;
    uint32_t n = 0;

    for (t = u->newest; t != NULL; t = t->next)
        n += t->ops != NULL;
    return n;
}

const struct fake_ask *fake_ask(const struct upstream *u)
{
    CHECK(u->newest != NULL);
    return &u->newest->ask;
}

static struct transfer *under_way(const struct upstream *u)
{
    CU_ASSERT_FATAL(u->newest != NULL && u->newest->ops != NULL);
    return u->newest;
}

bool wire_connect(struct upstream *u)
{
    struct transfer *t = under_way(u);

    if (t->ops->may_write != NULL && !t->ops->may_write(t->arg)) {
        wire_end(u, END_HELD, "held");
        return false;
    }
    t->has_sent = true;
    return true;
}

void wire_send(struct upstream *u)
{
    struct transfer *t = under_way(u);

    if (!t->has_sent && !wire_connect(u))
        return;
    if (t->body_len > 0)
        buf_add(&t->ask.body, t->body, t->body_len);
    buf_add(&t->ask.body, "", 1);
    t->is_sent = t->is_uploaded = true;
    t->ops->sent(t->arg);
}

/* As libcurl's lines. */
static void take_lines(struct upstream_head *h, const char *lines)
{
    while (lines != NULL && *lines != '\0') {
        size_t n = strcspn(lines, "\n");

        CU_ASSERT_TRUE(head_take(h, lines, n));
        lines += n + (lines[n] != '\0');
    }
}

void wire_head(struct upstream *u, int status, const char *headers)
{
    struct transfer *t = under_way(u);
    struct upstream_head h = {.status = status, .content_length = -1};

    take_lines(&h, headers);
    t->ops->head(t->arg, &h);
    head_clear(&h);
}

bool wire_body(struct upstream *u, const char *text)
{
    struct transfer *t = under_way(u);

    t->paused = !t->ops->body(t->arg, text, strlen(text));
    return !t->paused;
}

bool wire_wakes(struct upstream *u)
{
    bool wakes = u->newest->wakes;

    u->newest->wakes = false;
    return wakes;
}

void wire_end(struct upstream *u, enum transfer_end how, const char *detail)
{
    struct transfer *t = under_way(u);
    const struct transfer_ops *ops = t->ops;

    t->ops = NULL;
    ops->end(t->arg, how, detail);
}

void wire_answer(struct upstream *u, int status, const char *headers,
                 const char *body)
{
    struct transfer *t = under_way(u);

    if (!t->is_sent)
        wire_send(u);
    if (t->ops != NULL)
        wire_head(u, status, headers);
    if (t->ops != NULL && body != NULL)
        CU_ASSERT_TRUE(wire_body(u, body));
    if (t->ops != NULL)
        wire_end(u, END_OK, "");
}

/* ---- upstream.h ----------------------------------------------------------------- */

static void copy_headers(struct fake_ask *ask, const char *const *lines)
{
    for (; *lines != NULL; lines++) {
        buf_str(&ask->headers, *lines);
        buf_str(&ask->headers, "\n");
    }
    buf_add(&ask->headers, "", 1);
}

struct transfer *transfer_start(struct upstream *u,
                                const struct transfer_request *req,
                                const struct transfer_ops *ops, void *arg)
{
    struct transfer *t = calloc(1, sizeof(*t));

    CHECK(t != NULL);
    t->u = u;
    t->ops = ops;
    t->arg = arg;
    t->body = req->body;
    t->body_len = req->body != NULL ? req->body_len : 0;
    t->is_uploaded = t->body_len == 0;
    (void)snprintf(t->ask.url, sizeof(t->ask.url), "%s", req->url);
    (void)snprintf(t->ask.method, sizeof(t->ask.method), "%s", req->method);
    t->ask.fresh = req->fresh;
    t->ask.via = req->via;
    t->ask.elsewhere = req->elsewhere;
    copy_headers(&t->ask, req->headers);
    t->next = u->newest;
    u->newest = t;
    u->started++;
    return t;
}

void transfer_resume(struct transfer *t)
{
    t->wakes = t->wakes || t->paused;
    t->paused = false;
}

bool transfer_has_sent(const struct transfer *t)
{
    return t->has_sent;
}

bool transfer_is_uploaded(const struct transfer *t)
{
    return t->is_uploaded;
}

void transfer_cancel(struct transfer *t)
{
    CU_ASSERT_PTR_NOT_NULL(t->ops); /* once, and not after its end */
    t->ops = NULL;
}
