/* peer.c - a server that does what a test says, byte by byte. */
#include "peer.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/loop.h"
#include "unit.h"

#define STEPS_MAX 5000 /* of a millisecond: then it never comes */
#define STEPS_FEW 30

/* ---- the transfer ------------------------------------------------------------ */

static void note(struct peer *p, char call)
{
    size_t n = strlen(p->calls);

    CHECK(n + 1 < sizeof(p->calls));
    p->calls[n] = call;
}

static bool may_write(void *arg)
{
    struct peer *p = arg;

    note(p, 'w');
    p->has_sent = transfer_has_sent(p->t);
    return !p->refuses;
}

static void on_sent(void *arg)
{
    note(arg, 's');
}

static void on_head(void *arg, struct upstream_head *head)
{
    struct peer *p = arg;

    note(p, 'h');
    head_clear(&p->head);
    head_move(&p->head, head);
    if (p->on_head != NULL)
        p->on_head(p);
}

static bool on_body(void *arg, const char *data, size_t len)
{
    struct peer *p = arg;

    if (p->full)
        return false;
    if (p->calls[strlen(p->calls) - 1] != 'b') /* in however many pieces */
        note(p, 'b');
    buf_add(&p->body, data, len);
    if (p->on_body != NULL)
        p->on_body(p);
    return true;
}

static void on_end(void *arg, enum transfer_end how, const char *detail)
{
    struct peer *p = arg;

    note(p, 'e');
    p->t = NULL;
    p->how = how;
    (void)snprintf(p->detail, sizeof(p->detail), "%s", detail);
    buf_add(&p->body, "", 1);
    p->body.len--;
}

static const struct transfer_ops ops = {may_write, on_sent, on_head, on_body,
                                        on_end};

void peer_ask(struct peer *p, const char *body, size_t len, bool fresh)
{
    const char *const headers[] = {"X-One: 1", "Authorization: Bearer secret",
                                   NULL};
    char url[64];
    struct transfer_request req = {
        .url = url,
        .method = body != NULL ? "POST" : "GET",
        .headers = headers,
        .body = body,
        .body_len = len,
        .connect_ms = 2000,
        .fresh = fresh,
        .via = p->via,
    };

    (void)snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", p->scheme, p->port,
                   p->path);
    p->t = transfer_start(p->up, &req, &ops, p);
}

void peer_forget(struct peer *p)
{
    memset(p->calls, 0, sizeof(p->calls));
    head_clear(&p->head);
    buf_free(&p->body);
    buf_free(&p->request);
}

/* ---- the server -------------------------------------------------------------- */

static void listen_here(struct peer *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    p->listener =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(p->listener != -1);
    CHECK(bind(p->listener, (struct sockaddr *)&a, len) == 0);
    CHECK(listen(p->listener, 16) == 0);
    CHECK(getsockname(p->listener, (struct sockaddr *)&a, &len) == 0);
    p->port = ntohs(a.sin_port);
}

struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    p->scheme = "http";
    p->path = "/path?a=b/../c";
    p->fd = -1;
    p->loop = loop_new();
    CHECK(p->loop != NULL);
    p->up = upstream_new(p->loop);
    CHECK(p->up != NULL);
    listen_here(p);
    return p;
}

void peer_free(struct peer *p)
{
    upstream_free(p->up);
    peer_close(p);
    close(p->listener);
    peer_forget(p);
    loop_free(p->loop);
    free(p);
}

static void serve(struct peer *p)
{
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ssize_t n = 1;

    if (fd != -1) {
        peer_close(p);
        p->fd = fd;
        p->accepted++;
        buf_free(&p->request);
    }
    while (p->fd != -1 && n > 0) {
        n = recv(p->fd, buf_room(&p->request, 65536), 65536, 0);
        if (n > 0)
            p->request.len += (size_t)n;
    }
}

static void after_step(void *arg)
{
    struct peer *p = arg;

    upstream_begin(p->up);
    loop_stop(p->loop);
}

static void on_time(void *arg)
{
    (void)arg;
}

static void step(struct peer *p, bool reads)
{
    struct loop_timer soon = {.fn = on_time};

    upstream_begin(p->up);
    loop_at(p->loop, &soon, loop_now(p->loop) + NS_PER_MS);
    loop_run(p->loop, after_step, p);
    loop_cancel(p->loop, &soon);
    if (reads)
        serve(p);
}

void peer_accept(struct peer *p)
{
    unsigned before = p->accepted;
    int i;

    for (i = 0; i < STEPS_MAX && p->accepted == before; i++)
        step(p, true);
    CU_ASSERT_EQUAL_FATAL(p->accepted, before + 1);
}

static const char *request_of(struct peer *p)
{
    buf_add(&p->request, "", 1);
    p->request.len--;
    return buf_head(&p->request);
}

void peer_read(struct peer *p, const char *text)
{
    size_t from = 0, n = strlen(text);
    bool found = false;
    int i;

    for (i = 0; i < STEPS_MAX && !found; i++) {
        step(p, true);
        from = from < p->request.len ? from : 0; /* of a new connection */
        found = strstr(request_of(p) + from, text) != NULL;
        from = p->request.len > n ? p->request.len - n : 0;
    }
    CU_ASSERT_TRUE_FATAL(found);
}

void peer_until(struct peer *p, const char *calls)
{
    size_t n = strlen(calls);
    int i;

    for (i = 0; i < STEPS_MAX && strncmp(p->calls, calls, n) != 0; i++)
        step(p, false);
    if (strncmp(p->calls, calls, n) != 0)
        printf("\n    should be %s, is %s\n", calls, p->calls);
    CU_ASSERT_EQUAL(strncmp(p->calls, calls, n), 0);
}

void peer_rest(struct peer *p)
{
    int i;

    for (i = 0; i < STEPS_FEW; i++)
        step(p, false);
}

void peer_write(struct peer *p, const char *text)
{
    size_t n = strlen(text);

    CU_ASSERT_EQUAL_FATAL(send(p->fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

void peer_close(struct peer *p)
{
    if (p->fd != -1)
        close(p->fd);
    p->fd = -1;
}

void peer_reset(struct peer *p)
{
    struct linger now = {1, 0};

    CHECK(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    peer_close(p);
}

struct peer *peer_asked(const char *body)
{
    struct peer *p = peer_new();

    peer_ask(p, body, body != NULL ? strlen(body) : 0, false);
    peer_accept(p);
    peer_read(p, "\r\n\r\n");
    if (body != NULL)
        peer_read(p, body);
    return p;
}

void peer_ended(struct peer *p, const char *calls, enum transfer_end how)
{
    peer_until(p, calls);
    CU_ASSERT_STRING_EQUAL(p->calls, calls);
    CU_ASSERT_PTR_NULL(p->t);
    if (p->how != how)
        printf("\n    ended %d: %s\n", p->how, p->detail);
    CU_ASSERT_EQUAL(p->how, how);
    peer_free(p);
}
