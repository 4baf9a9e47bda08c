/*
 * client.c - how do bytes reach the web server, and who noticed a hang-up?
 *
 * Records (FastCGI 1.0, section 3.3): version, type, request id, content and
 * padding length, then the content.  A small answer leaves with one send():
 * head, body, end of STDOUT and END_REQUEST lie in one buffer by then.
 *
 * A peer that closes, or half-closes (lighttpd's tcp-fin-propagate), shows as
 * EPOLLRDHUP.  A half-close cannot be told from a hang-up, so it counts as
 * one, as it does in nginx and HAProxy.
 */
#include "fcgi/client.h"

#include <errno.h>
#include <fastcgi.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"

#define RECORD_MAX 65528 /* below 65,536 and a multiple of 8 */

static void on_events(void *arg, uint32_t events)
{
    struct client *c = arg;

    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        c->gone = true;
        loop_unwatch(c->loop, &c->watch);
        c->ops->gone(c->arg);
        return;
    }
    client_flush(c);
    if (!c->gone)
        c->ops->taken(c->arg);
}

void client_init(struct client *c, struct loop *loop, int fd,
                 uint16_t request_id, const struct client_ops *ops, void *arg)
{
    memset(c, 0, sizeof(*c));
    c->loop = loop;
    c->fd = fd;
    c->request_id = request_id;
    c->ops = ops;
    c->arg = arg;
    c->watch = (struct loop_watch){-1, 0, on_events, c};
}

void client_watch(struct client *c)
{
    if (c->fd != -1 && c->watch.fd == -1 && !c->gone)
        loop_watch(c->loop, &c->watch, c->fd, EPOLLRDHUP);
}

static void record(struct client *c, int type, const void *data, size_t len)
{
    FCGI_Header h = {
        .version = FCGI_VERSION_1,
        .type = (unsigned char)type,
        .requestIdB1 = (unsigned char)(c->request_id >> 8),
        .requestIdB0 = (unsigned char)c->request_id,
        .contentLengthB1 = (unsigned char)(len >> 8),
        .contentLengthB0 = (unsigned char)len,
    };

    buf_add(&c->out, &h, sizeof(h));
    buf_add(&c->out, data, len);
}

void client_write(struct client *c, const void *data, size_t len)
{
    const char *p = data;

    CHECK(!c->ended);
    if (c->gone)
        return;
    c->bytes += len;
    while (len > 0) {
        size_t n = len < RECORD_MAX ? len : RECORD_MAX;

        record(c, FCGI_STDOUT, p, n);
        p += n;
        len -= n;
    }
    if (c->out.len >= OUT_HIGH)
        c->above = true;
}

void client_end(struct client *c)
{
    FCGI_EndRequestBody end = {.protocolStatus = FCGI_REQUEST_COMPLETE};

    CHECK(!c->ended);
    c->ended = true;
    if (c->gone)
        return;
    record(c, FCGI_STDOUT, "", 0);
    record(c, FCGI_END_REQUEST, &end, sizeof(end));
}

static void lose(struct client *c)
{
    c->gone = true;
    loop_unwatch(c->loop, &c->watch);
    buf_free(&c->out);
    c->ops->gone(c->arg);
}

void client_flush(struct client *c)
{
    while (c->out.len > 0 && !c->gone) {
        ssize_t n = send(c->fd, buf_head(&c->out), c->out.len,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            buf_take(&c->out, (size_t)n);
            c->taken += (size_t)n;
        } else if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            loop_watch(c->loop, &c->watch, c->fd, EPOLLRDHUP | EPOLLOUT);
            break;
        } else if (n == 0 || errno != EINTR) {
            lose(c); /* EPIPE, ECONNRESET: nobody reads this any more */
            return;
        }
    }
    if (c->gone)
        return;
    if (c->out.len == 0) {
        if (c->watch.fd != -1)
            loop_watch(c->loop, &c->watch, c->fd, EPOLLRDHUP);
        buf_free(&c->out); /* the next stream's is where this was: it is warm */
    }
    if (c->out.len < OUT_LOW)
        c->above = false;
}

bool client_is_flushed(const struct client *c)
{
    return c->gone || c->out.len == 0;
}

bool client_is_full(const struct client *c)
{
    return c->above && !c->gone;
}

int client_release(struct client *c)
{
    int fd = c->fd;

    loop_unwatch(c->loop, &c->watch);
    c->fd = -1;
    buf_free(&c->out);
    return fd;
}

void client_fini(struct client *c)
{
    if (c->fd == -1)
        return;
    loop_forget(c->loop, &c->watch);
    close(client_release(c));
}
