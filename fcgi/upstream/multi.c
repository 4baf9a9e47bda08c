/*
 * multi.c - when does libcurl act, and on which sockets?
 *
 *   curl_multi_add_handle -> socket and timer callbacks -> the loop
 *      -> curl_multi_socket_action -> callbacks of the transfers -> settle()
 *
 * A kept connection stays in epoll between two requests: to take it out and
 * put it in again would be two calls a request.  So libcurl's sockets are made
 * and closed here, where it is known when a number begins to mean another one.
 *
 * No multi function is called from inside libcurl: depth says whether we are,
 * and settle() does afterwards what had to wait.
 */
#include "fcgi/upstream/multi.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"

struct socket_watch {
    struct loop_watch w;
    struct multi *m;
    bool is_own;    /* in m->sockets */
    bool is_wanted; /* libcurl waits for it */
};

static void act(struct multi *m, curl_socket_t fd, int what)
{
    int running;

    m->depth++;
    /* It fails for want of memory alone, and then forgets what it was at. */
    CHECK(curl_multi_socket_action(m->curl, fd, what, &running) !=
          CURLM_OUT_OF_MEMORY);
    m->depth--;
    m->settle(m->arg);
}

static void on_socket_ready(void *arg, uint32_t events)
{
    struct socket_watch *s = arg;
    int what = 0;

    if (!s->is_wanted) { /* its peer closes it: libcurl will see that */
        loop_unwatch(s->m->loop, &s->w);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP)) != 0)
        what |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0)
        what |= CURL_CSELECT_OUT;
    if ((events & EPOLLERR) != 0)
        what |= CURL_CSELECT_ERR;
    act(s->m, s->w.fd, what);
}

/* ---- sockets ----------------------------------------------------------------- */

static struct socket_watch *socket_new(struct multi *m)
{
    struct socket_watch *s = calloc(1, sizeof(*s));

    CHECK(s != NULL);
    s->m = m;
    s->w = (struct loop_watch){-1, 0, on_socket_ready, s};
    return s;
}

/* Makes room for FD. */
static void reach(struct multi *m, size_t fd)
{
    size_t n = m->n_sockets > 0 ? m->n_sockets : 64;

    if (fd < m->n_sockets)
        return;
    while (n <= fd)
        n *= 2;
    m->sockets = realloc(m->sockets, n * sizeof(struct socket_watch *));
    CHECK(m->sockets != NULL);
    memset(m->sockets + m->n_sockets, 0,
           (n - m->n_sockets) * sizeof(struct socket_watch *));
    m->n_sockets = n;
}

static struct socket_watch *own(const struct multi *m, curl_socket_t fd)
{
    return (size_t)fd < m->n_sockets ? m->sockets[fd] : NULL;
}

/* FD is closed next, or is another one's already. */
static void disown(struct multi *m, curl_socket_t fd)
{
    struct socket_watch *s = own(m, fd);

    if (s == NULL)
        return;
    m->sockets[fd] = NULL;
    loop_forget(m->loop, &s->w);
    free(s);
}

static curl_socket_t on_open(void *arg, curlsocktype purpose,
                             struct curl_sockaddr *to)
{
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    struct multi *m = arg;
    struct socket_watch *s;

    (void)purpose;
    if (fd == -1)
        return CURL_SOCKET_BAD;
    disown(m, fd);
    reach(m, (size_t)fd);
    m->sockets[fd] = s = socket_new(m);
    s->is_own = true;
    return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
    disown(arg, fd);
    return close(fd);
}

void multi_own(struct multi *m, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, m);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m);
}

/* libcurl does not wait for it any more. */
static void leave(struct multi *m, struct socket_watch *s, curl_socket_t fd)
{
    if (s == NULL)
        return;
    s->is_wanted = false;
    if (s->is_own)
        return; /* until it is closed, or has something to say */
    loop_unwatch(m->loop, &s->w);
    curl_multi_assign(m->curl, fd, NULL);
    free(s);
}

/* One that is not its own is a thread's that looks a name up. */
static struct socket_watch *foreign(struct multi *m, curl_socket_t fd)
{
    struct socket_watch *s = socket_new(m);

    curl_multi_assign(m->curl, fd, s);
    return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *mine)
{
    struct multi *m = arg;
    struct socket_watch *s = own(m, fd);
    uint32_t events = 0;

    (void)easy;
    if (s == NULL)
        s = mine;
    if (what == CURL_POLL_REMOVE) {
        leave(m, s, fd);
        return 0;
    }
    if (s == NULL)
        s = foreign(m, fd);
    s->is_wanted = true;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    loop_watch(m->loop, &s->w, fd, events);
    return 0;
}

/* ---- time ---------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_set_timer(CURLM *curl, long ms, void *arg)
{
    struct multi *m = arg;

    (void)curl;
    if (ms < 0)
        loop_cancel(m->loop, &m->timer);
    else
        loop_at(m->loop, &m->timer, loop_now(m->loop) + ms * NS_PER_MS);
    return 0;
}

void multi_begin(struct multi *m)
{
    act(m, CURL_SOCKET_TIMEOUT, 0);
}

bool multi_open(struct multi *m, struct loop *loop, void (*settle)(void *arg),
                void *arg)
{
    *m = (struct multi){.loop = loop, .settle = settle, .arg = arg};
    m->timer.fn = on_timer;
    m->timer.arg = m;
    m->curl = curl_multi_init();
    if (m->curl == NULL)
        return false;
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_set_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)POOL_MAX);
    return true;
}

void multi_close(struct multi *m)
{
    curl_multi_cleanup(m->curl);
    free(m->sockets);
    loop_cancel(m->loop, &m->timer);
}
