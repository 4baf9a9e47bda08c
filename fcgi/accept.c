/*
 * accept.c - how does a request get in without holding anybody up?
 *
 *   listening socket -> accept4 -> look (MSG_PEEK) -+- whole: receive() here
 *                                   ^               |
 *                                   +-- short ------+- large: a thread's job
 *
 * A web server sends a small request with one write, so that all of it is
 * there when we look, and no thread has to be woken, which costs more than the
 * reading.  It is read from what was seen; libfcgi, which gets the descriptor if
 * that looks odd, would take 30 KB of memory for it, and three calls.  What is too
 * large to be looked at is a reader thread's (readers.c).  Whoever is not let in is
 * told so as soon as the parameters are there (glance.c, gate.c).
 *
 * All workers watch one socket: EPOLLEXCLUSIVE wakes one of them for a
 * connection, not all.
 */
#include "fcgi/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "fcgi/gate.h"
#include "fcgi/glance.h"
#include "fcgi/linger.h"
#include "fcgi/readers.h"
#include "fcgi/receive.h"
#include "lib/base.h"
#include "lib/clock.h"

/* A connection whose request has not wholly come. */
struct arrival {
    struct arrival *prev, *next;
    struct accept *a;
    struct loop_watch watch;
    int64_t deadline_ns;
    int looks;
    bool is_known; /* its head has come, and its caller is let in */
};

struct accept {
    struct loop *loop;
    int listen_fd;
    struct gate *gate;
    struct linger_list *linger;
    const uint32_t *open; /* requests that are not over */
    accept_fn *fn;
    void *arg;
    struct loop_watch listening, reading;
    struct loop_timer pause; /* until descriptors may be had again */
    struct readers *readers;
    struct arrival *first;
    bool stopped;
    int64_t asked_ns; /* when the kernel was asked last, see may_take() */
    int64_t room;     /* so many connections may come before it is again */
    int want;         /* to be taken in the next step, see on_connections() */
    size_t looked;    /* bytes of what was looked at last: */
    unsigned char bytes[LOOK_BYTES];
};

/* ---- looking ---------------------------------------------------------------- */

static enum receive_look look(struct accept *a, int fd)
{
    ssize_t n = recv(fd, a->bytes, sizeof(a->bytes), MSG_PEEK | MSG_DONTWAIT);
    enum receive_look seen;

    a->looked = 0;
    if (n == 0)
        return LOOK_OTHER; /* it closed */
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? LOOK_SHORT : LOOK_OTHER;
    a->looked = (size_t)n;
    seen = receive_look(a->bytes, a->looked);
    return seen == LOOK_SHORT && n == sizeof(a->bytes) ? LOOK_OTHER : seen;
}

/* Takes FD, whose request is whole: no read of it waits.  What was looked at is
 * taken out of it: a peer whose bytes are left unread would be reset. */
static void take(struct accept *a, int fd)
{
    int64_t now = loop_now(a->loop);
    struct request *r = receive_seen(a->bytes, a->looked, a->gate, now);

    if (r != NULL)
        (void)recv(fd, a->bytes, a->looked, MSG_DONTWAIT);
    else
        r = receive(fd, a->gate, now);
    if (r == NULL)
        return;
    r->fd = fd;
    a->fn(a->arg, r);
}

/*
 * More must come of what was looked at.  Is its head there (*IS_KNOWN), and its
 * caller refused?  Then the request as far as it is known; else NULL.
 */
static struct request *refused(struct accept *a, bool *is_known)
{
    struct request *r = glance_head(a->bytes, a->looked, loop_now(a->loop));

    *is_known = r != NULL;
    if (r == NULL)
        return NULL;
    r->has_rest = true;
    if (!gate_admits(a->gate, r))
        return r;
    request_free(r);
    return NULL;
}

/* Takes FD.  All of R that is still to come is for nobody. */
static void hand_over(struct accept *a, struct request *r, int fd)
{
    r->fd = fd;
    a->fn(a->arg, r);
}

/* ---- connections on which more must come ------------------------------------- */

/* Gives its descriptor back. */
static int arrival_end(struct arrival *v)
{
    int fd = v->watch.fd;

    if (v->prev != NULL)
        v->prev->next = v->next;
    else
        v->a->first = v->next;
    if (v->next != NULL)
        v->next->prev = v->prev;
    loop_unwatch(v->a->loop, &v->watch);
    free(v);
    return fd;
}

static void on_more(void *arg, uint32_t events)
{
    struct arrival *v = arg;
    struct accept *a = v->a;
    int64_t deadline = v->deadline_ns;
    enum receive_look seen;
    struct request *r;

    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        close(arrival_end(v));
        return;
    }
    seen = look(a, v->watch.fd);
    if (seen == LOOK_WHOLE)
        take(a, arrival_end(v));
    else if (!v->is_known && (r = refused(a, &v->is_known)) != NULL)
        hand_over(a, r, arrival_end(v));
    else if (seen == LOOK_OTHER || ++v->looks == LOOKS_MAX)
        readers_add(a->readers, arrival_end(v), deadline);
}

/* What has come is left in the socket, so the watch is edge-triggered. */
static void wait_for_more(struct accept *a, int fd, int64_t deadline_ns,
                          bool is_known)
{
    struct arrival *v = calloc(1, sizeof(*v));

    CHECK(v != NULL);
    v->a = a;
    v->deadline_ns = deadline_ns;
    v->is_known = is_known;
    v->watch = (struct loop_watch){-1, 0, on_more, v};
    v->next = a->first;
    if (a->first != NULL)
        a->first->prev = v;
    a->first = v;
    loop_watch(a->loop, &v->watch, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
}

static void end_late(struct accept *a, int64_t now)
{
    struct arrival *v, *next;

    for (v = a->first; v != NULL; v = next) {
        next = v->next;
        if (v->deadline_ns <= now)
            close(arrival_end(v));
    }
}

void accept_expire(struct accept *a, int64_t now)
{
    end_late(a, now);
    linger_expire(a->linger, now);
    readers_expire(a->readers, now);
}

bool accept_is_idle(struct accept *a)
{
    return a->first == NULL && linger_is_idle(a->linger) &&
           readers_are_idle(a->readers);
}

/* ---- the listening socket ---------------------------------------------------- */

static void listen_again(void *arg)
{
    struct accept *a = arg;

    if (!a->stopped)
        loop_watch(a->loop, &a->listening, a->listen_fd,
                   EPOLLIN | EPOLLEXCLUSIVE);
}

/*
 * A request that is taken must be able to get its upstream: are there
 * descriptors for a batch, two each, for those that were taken before and have
 * none yet, and some for the files of the worker itself?  Numbers are given out
 * from the lowest, so a fresh one tells how many there are.  How many connections
 * more; below 0: not even a batch.
 */
static int64_t room_for(const struct accept *a)
{
    int fd = fcntl(a->listen_fd, F_DUPFD_CLOEXEC, 0);
    struct rlimit most;
    int64_t all = INT32_MAX;

    if (fd == -1)
        return -1;
    close(fd);
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur < INT32_MAX)
        all = (int64_t)most.rlim_cur; /* RLIM_INFINITY is no number */
    return (all - fd - *a->open - SPARE_DESCRIPTORS) / 2 - ACCEPT_BATCH;
}

/* Descriptors and the like come back when requests end; until then a short
 * pause is better than a busy loop.  The connection waits in the backlog. */
static void rest(struct accept *a)
{
    loop_unwatch(a->loop, &a->listening);
    loop_at(a->loop, &a->pause, loop_now(a->loop) + ACCEPT_PAUSE_NS);
}

/*
 * accept4() must find no connection without waiting for one.  O_NONBLOCK is
 * not ours alone: it belongs to the socket's one open file, which the other
 * workers and systemd share, and systemd takes it off whenever it starts
 * another worker or sends a reload.  So it is set again each time; what comes
 * in between is bounded by a timeout, which belongs to the socket (and would
 * be passed on to the connections, were it TCP).
 */
static bool never_wait(int listen_fd)
{
    int flags = fcntl(listen_fd, F_GETFL);

    return flags != -1 && ((flags & O_NONBLOCK) != 0 ||
                           fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) == 0);
}

static void bound_wait(int listen_fd)
{
    const struct timeval least = {.tv_sec = 0, .tv_usec = 1};
    int domain = 0;
    socklen_t len = sizeof(domain);

    if (getsockopt(listen_fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
        domain == AF_UNIX)
        (void)setsockopt(listen_fd, SOL_SOCKET, SO_RCVTIMEO, &least,
                         sizeof(least));
}

/*
 * Is there room, and will accept4() not wait?  Each costs a call or two, which
 * for a small request is a good part of its own; so neither is asked anew
 * within ASK_NS, unless what has come since may have used the room up.  Whoever
 * lowers our limit meanwhile, or takes O_NONBLOCK off, is noticed then.
 */
#define ASK_NS (20 * NS_PER_MS)

static bool may_take(struct accept *a)
{
    int64_t now = loop_now(a->loop);

    if (a->room >= 0 && now - a->asked_ns < ASK_NS)
        return true;
    a->asked_ns = now;
    a->room = never_wait(a->listen_fd) ? room_for(a) : -1;
    return a->room >= 0;
}

/* Takes the next connection.  False: there is none, or none can be had. */
static bool take_next(struct accept *a)
{
    int64_t deadline = loop_now(a->loop) + BODY_DEADLINE_MS * NS_PER_MS;
    int fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    enum receive_look seen;
    struct request *r;
    bool is_known;

    if (fd == -1) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            rest(a);
        return false;
    }
    a->room--;
    seen = look(a, fd);
    if (seen == LOOK_WHOLE)
        take(a, fd);
    else if ((r = refused(a, &is_known)) != NULL)
        hand_over(a, r, fd);
    else if (seen == LOOK_SHORT)
        wait_for_more(a, fd, deadline, is_known);
    else
        readers_add(a->readers, fd, deadline);
    return true;
}

/*
 * Some at a time: the other workers are there to share a burst.  And no more
 * than came the last time, or twice that while all of them come: who asks once
 * too often has spent a call to hear that nobody is there, and who asks too
 * seldom comes back in the next step.
 */
static void on_connections(void *arg, uint32_t events)
{
    struct accept *a = arg;
    int i;

    (void)events;
    if (!may_take(a)) {
        rest(a);
        return;
    }
    for (i = 0; i < a->want && take_next(a);)
        i++;
    a->want = i == a->want ? 2 * i : i;
    a->want = a->want < 1 ? 1 : a->want < ACCEPT_BATCH ? a->want : ACCEPT_BATCH;
}

static void on_read(void *arg, uint32_t events)
{
    struct accept *a = arg;
    struct request *r = readers_take(a->readers), *next;

    (void)events;
    for (; r != NULL; r = next) {
        next = r->next;
        a->fn(a->arg, r);
    }
}

struct accept *accept_start(struct loop *loop, int listen_fd,
                            const struct routes *table, int64_t max_body,
                            const uint32_t *open, accept_fn *fn, void *arg)
{
    struct accept *a = calloc(1, sizeof(*a));

    CHECK(a != NULL);
    a->loop = loop;
    a->listen_fd = listen_fd;
    a->gate = gate_new(table, max_body);
    a->linger = linger_new(loop);
    a->open = open;
    a->fn = fn;
    a->arg = arg;
    a->want = 1;
    a->room = -1; /* nobody was asked yet */
    a->listening = (struct loop_watch){-1, 0, on_connections, a};
    a->reading = (struct loop_watch){-1, 0, on_read, a};
    a->pause.fn = listen_again;
    a->pause.arg = a;
    bound_wait(listen_fd);
    if (!never_wait(listen_fd) ||
        (a->readers = readers_start(a->gate)) == NULL) {
        linger_free(a->linger);
        gate_free(a->gate);
        free(a);
        return NULL;
    }
    loop_watch(loop, &a->reading, readers_fd(a->readers), EPOLLIN);
    listen_again(a);
    return a;
}

void accept_follow(struct accept *a, const struct config *cfg)
{
    gate_follow(a->gate, cfg);
}

void accept_linger(struct accept *a, int fd)
{
    linger_add(a->linger, fd);
}

void accept_stop(struct accept *a)
{
    int i;

    /* Nobody else would, where the socket is ours alone (lighttpd's bin-path):
     * who has got through so far is to hear from us. */
    for (i = 0; !a->stopped && i < ACCEPT_LAST; i++)
        if (!may_take(a) || !take_next(a))
            break;
    a->stopped = true;
    loop_unwatch(a->loop, &a->listening);
    loop_cancel(a->loop, &a->pause);
}

void accept_free(struct accept *a)
{
    if (a == NULL)
        return;
    a->stopped = true;
    accept_stop(a);
    end_late(a, NEVER);
    loop_unwatch(a->loop, &a->reading);
    readers_free(a->readers);
    linger_free(a->linger);
    gate_free(a->gate);
    free(a);
}
