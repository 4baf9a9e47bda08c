/*
 * ask.c - the smallest FastCGI client: one request on a connection of its own.
 */
#include <errno.h>
#include <fastcgi.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"

#define SLICE_MS 50 /* between two looks whether the worker still lives */

int64_t clock_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / NS_PER_MS;
}

void sleep_ms(int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * NS_PER_MS};

    nanosleep(&ts, NULL);
}

/* ---- out -------------------------------------------------------------------- */

struct records {
    char bytes[8192];
    size_t len;
};

static void record(struct records *r, int type, const void *data, size_t len)
{
    FCGI_Header h = {.version = FCGI_VERSION_1,
                     .type = (unsigned char)type,
                     .requestIdB0 = 1,
                     .contentLengthB1 = (unsigned char)(len >> 8),
                     .contentLengthB0 = (unsigned char)len};

    CHECK(r->len + sizeof(h) + len <= sizeof(r->bytes));
    memcpy(r->bytes + r->len, &h, sizeof(h));
    if (len > 0)
        memcpy(r->bytes + r->len + sizeof(h), data, len);
    r->len += sizeof(h) + len;
}

struct params {
    char bytes[2048];
    size_t len;
};

static void param(struct params *p, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    CHECK(n < 128 && v < 128 && p->len + 2 + n + v <= sizeof(p->bytes));
    p->bytes[p->len++] = (char)n;
    p->bytes[p->len++] = (char)v;
    memcpy(p->bytes + p->len, name, n);
    memcpy(p->bytes + p->len + n, value, v);
    p->len += n + v;
}

static void compose(struct records *r, const struct question *q)
{
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER};
    struct params p = {.len = 0};
    char length[24];

    r->len = 0;
    param(&p, "REQUEST_METHOD", q->method);
    param(&p, "REQUEST_URI", q->path);
    param(&p, "REMOTE_ADDR", "127.0.0.1");
    param(&p, "HTTP_HOST", "127.0.0.1");
    if (q->body != NULL) {
        (void)snprintf(length, sizeof(length), "%zu", strlen(q->body));
        param(&p, "CONTENT_TYPE", "application/json");
        param(&p, "CONTENT_LENGTH", length);
    }
    if (q->deadline != NULL)
        param(&p, "HTTP_X_SLUICE_DEADLINE", q->deadline);
    record(r, FCGI_BEGIN_REQUEST, &begin, sizeof(begin));
    record(r, FCGI_PARAMS, p.bytes, p.len);
    record(r, FCGI_PARAMS, NULL, 0);
    if (q->body != NULL)
        record(r, FCGI_STDIN, q->body, strlen(q->body));
    record(r, FCGI_STDIN, NULL, 0);
}

/* ---- in ---------------------------------------------------------------------- */

/* Reads exactly LEN bytes.  False: no more will come, or none in time. */
static bool receive(struct worker *w, int fd, void *data, size_t len,
                    int64_t until, struct answer *a)
{
    struct pollfd p = {fd, POLLIN, 0};
    char *at = data;

    while (len > 0) {
        ssize_t n;

        if (poll(&p, 1, SLICE_MS) == 0) {
            a->timed_out = clock_ms() >= until;
            /* We hold the listening socket: of a dead worker's backlog nobody
             * else would tell us. */
            if (a->timed_out || worker_has_ended(w))
                return false;
            continue;
        }
        n = recv(fd, at, len, 0);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void hear(struct worker *w, int fd, const struct question *q,
                 struct answer *a)
{
    int64_t until = clock_ms() + q->patience_ms;
    char content[65536 + 256];
    FCGI_Header h;

    while (receive(w, fd, &h, sizeof(h), until, a)) {
        size_t len = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;
        size_t room = sizeof(a->text) - 1 - a->len;

        if (!receive(w, fd, content, len + h.paddingLength, until, a))
            return;
        if (h.type == FCGI_END_REQUEST) {
            a->whole = true;
            return;
        }
        room = len < room ? len : room;
        memcpy(a->text + a->len, content, room);
        a->len += room;
        a->text[a->len] = '\0';
        if (q->until != NULL && strstr(a->text, q->until) != NULL)
            return;
    }
}

void ask(struct worker *w, const struct question *q, struct answer *a)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct records r;
    const char *at;

    memset(a, 0, sizeof(*a));
    worker_ensure(w);
    (void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/fcgi.sock", w->dir);
    CHECK(fd != -1);
    CHECK(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
    compose(&r, q);
    if (send(fd, r.bytes, r.len, MSG_NOSIGNAL) == (ssize_t)r.len)
        hear(w, fd, q, a);
    close(fd);
    at = strncmp(a->text, "Status: ", 8) == 0 ? a->text + 8 : "0";
    a->status = atoi(at);
    if (a->whole)
        w->has_served = true;
}
