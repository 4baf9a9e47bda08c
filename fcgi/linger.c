/*
 * linger.c - who reads what nobody wants any more?
 *
 * A request that is refused by its head is answered while its body still
 * comes.  To close at once would reset the connection, and the web server,
 * which is writing, might never read our answer.  So the rest is read and
 * dropped until the web server closes, as lighttpd, nginx and Apache do once
 * they have the whole answer; but not for longer than LINGER_MS, and not of
 * more than LINGER_MAX at once.
 */
#include "fcgi/linger.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"
#include "lib/loop.h"

struct rest {
    struct rest *prev, *next;
    struct linger_list *l;
    struct loop_watch watch;
    int64_t deadline_ns;
};

struct linger_list {
    struct loop *loop;
    struct rest *first;
    int n;
};

static void end(struct rest *r)
{
    struct linger_list *l = r->l;
    int fd = r->watch.fd;

    if (r->prev != NULL)
        r->prev->next = r->next;
    else
        l->first = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    l->n--;
    loop_unwatch(l->loop, &r->watch);
    close(fd);
    free(r);
}

/* A piece at a time: others wait for the loop, too. */
static void on_bytes(void *arg, uint32_t events)
{
    static char nowhere[LINGER_BYTES]; /* of the loop's thread alone */
    struct rest *r = arg;
    ssize_t n;

    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        end(r);
        return;
    }
    n = recv(r->watch.fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);
    if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
        end(r);
}

struct linger_list *linger_new(struct loop *loop)
{
    struct linger_list *l = calloc(1, sizeof(*l));

    CHECK(l != NULL);
    l->loop = loop;
    return l;
}

void linger_free(struct linger_list *l)
{
    struct rest *r, *next;

    if (l == NULL)
        return;
    for (r = l->first; r != NULL; r = next) {
        next = r->next;
        end(r);
    }
    free(l);
}

void linger_add(struct linger_list *l, int fd)
{
    struct rest *r;

    if (l->n == LINGER_MAX) {
        close(fd);
        return;
    }
    r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    r->l = l;
    r->deadline_ns = loop_now(l->loop) + LINGER_MS * NS_PER_MS;
    r->watch = (struct loop_watch){-1, 0, on_bytes, r};
    r->next = l->first;
    if (l->first != NULL)
        l->first->prev = r;
    l->first = r;
    l->n++;
    loop_watch(l->loop, &r->watch, fd, EPOLLIN);
}

void linger_expire(struct linger_list *l, int64_t now)
{
    struct rest *r, *next;

    for (r = l->first; r != NULL; r = next) {
        next = r->next;
        if (r->deadline_ns <= now)
            end(r);
    }
}

bool linger_is_idle(const struct linger_list *l)
{
    return l->first == NULL;
}
