/*
 * multi.c - when does libcurl act, and on which sockets?
 *
 *   curl_multi_add_handle -> socket and timer callbacks -> the loop
 *      -> curl_multi_socket_action -> callbacks of the transfers -> settle()
 *
 * A kept connection stays in epoll between two requests: to take it out and
 * put it in again would be two calls a request.  So connections are closed here,
 * where it is known when a number begins to mean another one.
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
    bool is_wanted; /* libcurl waits for it */
    bool is_kept;   /* it stays in epoll while it does not */
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

static struct socket_watch *watch_of(const struct multi *m, curl_socket_t fd)
{
    return (size_t)fd < m->n_sockets ? m->sockets[fd] : NULL;
}

static struct socket_watch *watch_new(struct multi *m, curl_socket_t fd)
{
    reach(m, (size_t)fd);
    m->sockets[fd] = socket_new(m);
    return m->sockets[fd];
}

static void drop(struct multi *m, struct socket_watch *s, curl_socket_t fd)
{
    m->sockets[fd] = NULL;
    loop_unwatch(m->loop, &s->w);
    free(s);
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct multi *m = arg;
    struct socket_watch *s = watch_of(m, fd);

    if (s != NULL) {
        loop_forget(m->loop, &s->w);
        drop(m, s, fd);
    }
    return close(fd);
}

void multi_own(struct multi *m, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m);
}

/*
 * Will on_close() hear of FD's end?  Not of one that never came to be a
 * connection, nor of a thread's that looks a name up: libcurl closes those by
 * itself.  But EASY sends over it, or has sent, and waits for an answer.
 */
static bool is_kept(const struct multi *m, CURL *easy, curl_socket_t fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);

    return m->has_sent(easy) &&
           getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

/* libcurl does not wait for it any more. */
static void leave(struct multi *m, struct socket_watch *s, curl_socket_t fd)
{
    if (s == NULL)
        return;
    s->is_wanted = false;
    if (!s->is_kept) /* else until it is closed, or has something to say */
        drop(m, s, fd);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *mine)
{
    struct multi *m = arg;
    struct socket_watch *s = watch_of(m, fd);
    uint32_t events = 0;

    (void)mine;
    if (what == CURL_POLL_REMOVE) {
        leave(m, s, fd);
        return 0;
    }
    if (s == NULL)
        s = watch_new(m, fd);
    s->is_wanted = true;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    if (!s->is_kept)
        s->w.events = 0; /* the number may be another socket's by now */
    if (!s->is_kept && what == CURL_POLL_IN)
        s->is_kept = is_kept(m, easy, fd);
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
                bool (*has_sent)(CURL *easy), void *arg)
{
    *m = (struct multi){
        .loop = loop, .settle = settle, .has_sent = has_sent, .arg = arg};
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
