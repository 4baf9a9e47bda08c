/*
 * multi.c - when does libcurl act, and on which sockets?
 *
 *   curl_multi_add_handle -> socket and timer callbacks -> the loop
 *      -> curl_multi_socket_action -> callbacks of the transfers -> settle()
 *
 * No multi function is called from inside libcurl: depth says whether we are,
 * and settle() does afterwards what had to wait.
 */
#include "fcgi/upstream/multi.h"

#include <sys/epoll.h>

#include "fcgi/config/bounds.h"
#include "lib/base.h"

struct socket_watch {
    struct loop_watch w;
    struct multi *m;
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

    if ((events & (EPOLLIN | EPOLLHUP)) != 0)
        what |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0)
        what |= CURL_CSELECT_OUT;
    if ((events & EPOLLERR) != 0)
        what |= CURL_CSELECT_ERR;
    act(s->m, s->w.fd, what);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *mine)
{
    struct socket_watch *s = mine;
    struct multi *m = arg;
    uint32_t events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s != NULL) {
            loop_unwatch(m->loop, &s->w);
            curl_multi_assign(m->curl, fd, NULL);
            free(s);
        }
        return 0;
    }
    if (s == NULL) {
        s = calloc(1, sizeof(*s));
        CHECK(s != NULL);
        s->m = m;
        s->w = (struct loop_watch){-1, 0, on_socket_ready, s};
        curl_multi_assign(m->curl, fd, s);
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    loop_watch(m->loop, &s->w, fd, events);
    return 0;
}

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
    loop_cancel(m->loop, &m->timer);
}
