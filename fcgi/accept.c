/*
 * accept.c - how does a request get in without holding anybody up?
 *
 *   listen fd -> accept4 -> FCGX_Accept_r (parameters) -> STDIN -> parse
 *             -> list + eventfd -> the loop
 *
 * libfcgi reads with blocking calls, so a few threads do nothing else.  Each
 * accepts by itself (FCGX_Accept_r would wait two seconds for a peer that
 * sends nothing) and gives libfcgi a duplicate of the descriptor, to close as
 * it likes; the loop speaks FastCGI on the first one from then on, without
 * blocking.
 *
 * A peer that is slow, byte by byte or not at all, must not keep a thread.
 * What is being received stands in busy[], and once a second the loop shuts
 * down what is past its deadline: the thread's read() then ends.
 */
#include "accept.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "limits.h"
#include "request.h"
#include "route.h"

/* A request on its way in. */
struct receipt {
    int fd; /* -1: the thread is idle */
    int64_t deadline_ns;
};

struct acceptor {
    struct accept *all;
    pthread_t thread;
    struct receipt busy;
};

struct accept {
    int listen_fd;
    int ready_fd; /* eventfd: requests are in the list */
    int stop_fd;  /* eventfd: written once, never read */
    int64_t max_body;
    struct acceptor acceptors[ACCEPTORS];
    int n_threads;
    pthread_mutex_t lock; /* of what follows, and of all busy */
    bool hurry;           /* nobody is waited for any more */
    struct request *first, *last;
};

/* From here on its descriptor is the loop's, so it is no longer busy. */
static void hand_over(struct acceptor *me, struct request *r)
{
    struct accept *a = me->all;
    uint64_t one = 1;
    bool was_empty;

    pthread_mutex_lock(&a->lock);
    me->busy.fd = -1;
    r->next = NULL;
    was_empty = a->first == NULL;
    if (was_empty)
        a->first = r;
    else
        a->last->next = r;
    a->last = r;
    pthread_mutex_unlock(&a->lock);
    if (was_empty && write(a->ready_fd, &one, sizeof(one)) == -1)
        CHECK(errno == EAGAIN); /* then it is readable anyway */
}

struct request *accept_take(struct accept *a)
{
    struct request *r;
    uint64_t n;

    if (read(a->ready_fd, &n, sizeof(n)) == -1)
        CHECK(errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&a->lock);
    r = a->first;
    a->first = a->last = NULL;
    pthread_mutex_unlock(&a->lock);
    return r;
}

/* ---- deadlines ------------------------------------------------------------- */

static void set_busy(struct acceptor *me, int fd, int64_t deadline_ns)
{
    pthread_mutex_lock(&me->all->lock);
    me->busy = (struct receipt){fd, deadline_ns};
    if (fd != -1 && me->all->hurry)
        shutdown(fd, SHUT_RD);
    pthread_mutex_unlock(&me->all->lock);
}

void accept_expire(struct accept *a, int64_t now)
{
    int i;

    pthread_mutex_lock(&a->lock);
    for (i = 0; i < a->n_threads; i++)
        if (a->acceptors[i].busy.fd != -1 &&
            a->acceptors[i].busy.deadline_ns <= now)
            shutdown(a->acceptors[i].busy.fd, SHUT_RD);
    pthread_mutex_unlock(&a->lock);
}

bool accept_is_idle(struct accept *a)
{
    bool idle;
    int i;

    pthread_mutex_lock(&a->lock);
    idle = a->first == NULL;
    for (i = 0; i < a->n_threads; i++)
        idle = idle && a->acceptors[i].busy.fd == -1;
    pthread_mutex_unlock(&a->lock);
    return idle;
}

/* ---- one request ----------------------------------------------------------- */

/*
 * Reads STDIN to its end, keeping at most MAX bytes: what is more is read and
 * dropped, because a peer whose bytes are left unread would be reset and
 * never see our answer.  False: broken off or too slow.
 */
static bool read_body(FCGX_Stream *in, struct buf *body, size_t max,
                      size_t *total)
{
    for (*total = 0;;) {
        int c = FCGX_GetChar(in); /* fills libfcgi's buffer */
        size_t more;
        char first;

        if (c == EOF)
            return FCGX_GetError(in) == 0;
        first = (char)c;
        more = (size_t)(in->stop - in->rdNext);
        *total += 1 + more;
        if (*total <= max) {
            buf_add(body, &first, 1);
            buf_add(body, in->rdNext, more);
        }
        in->rdNext += more;
    }
}

/* A request is whole, or as whole as it will get. */
static struct request *receive(const struct accept *a, FCGX_Request *fr)
{
    struct request *r = request_new(fr->envp, clock_now_ns());
    int64_t length = request_content_length(fr->envp);
    size_t max = (size_t)a->max_body, total;
    const char *allow = "";

    if (length == -2)
        fault_set(&r->fault, 400, "sluice_bad_request",
                  "Content-Length is not a number.");
    if (!read_body(fr->in, &r->body, max, &total)) {
        request_free(r);
        return NULL;
    }
    if (total > max || length > a->max_body) {
        buf_free(&r->body);
        fault_set(&r->fault, 413, "sluice_too_large",
                  "The body is larger than %zu MB (max_body_mb).", max / MIB);
    }
    if (r->fault.status == 0)
        r->route = route_find(r, &allow);
    snprintf(r->allow, sizeof(r->allow), "%s", allow);
    request_parse_body(r, length);
    return r;
}

static void serve(struct acceptor *me, int fd)
{
    struct request *r = NULL;
    FCGX_Request fr;

    /*
     * With keepConnection set FCGX_Accept_r keeps the descriptor it finds
     * and reads from it; -1 as listening socket makes its own accept(),
     * after a broken request, fail at once; and detached it closes without
     * waiting for the peer to close first.
     */
    FCGX_InitRequest(&fr, -1, 0);
    fr.keepConnection = 1;
    fr.ipcFd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    (void)FCGX_Detach(&fr);
    set_busy(me, fd, clock_now_ns() + BODY_DEADLINE_MS * NS_PER_MS);
    if (fr.ipcFd != -1 && FCGX_Accept_r(&fr) == 0)
        r = receive(me->all, &fr);
    if (r != NULL)
        r->fcgi_id = (uint16_t)fr.requestId;
    FCGX_Free(&fr, 1);
    if (r != NULL) {
        r->fd = fd;
        hand_over(me, r);
    } else {
        set_busy(me, -1, 0);
        close(fd);
    }
}

/* ---- threads ----------------------------------------------------------------- */

/* EMFILE and its kind pass when requests end; until then a short pause is
 * better than a busy loop.  The connection waits in the backlog. */
static void pause_after(int err)
{
    struct timespec ts = {0, 20 * NS_PER_MS};

    if (err != EAGAIN && err != EINTR && err != ECONNABORTED)
        nanosleep(&ts, NULL);
}

static void *run(void *arg)
{
    struct acceptor *me = arg;
    struct accept *a = me->all;
    struct pollfd p[2] = {{a->listen_fd, POLLIN, 0}, {a->stop_fd, POLLIN, 0}};

    for (;;) {
        int fd;

        if (poll(p, 2, -1) == -1)
            continue; /* EINTR cannot come: all signals are blocked */
        if (p[1].revents != 0)
            return NULL;
        fd = accept4(a->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1)
            pause_after(errno);
        else
            serve(me, fd);
    }
}

struct accept *accept_start(int listen_fd, int64_t max_body_bytes)
{
    struct accept *a = calloc(1, sizeof(*a));
    int flags = fcntl(listen_fd, F_GETFL);

    CHECK(a != NULL);
    a->listen_fd = listen_fd;
    a->max_body = max_body_bytes;
    pthread_mutex_init(&a->lock, NULL);
    a->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    a->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    /* Shared with the other workers: who comes second must not block. */
    if (a->ready_fd == -1 || a->stop_fd == -1 || flags == -1 ||
        fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) == -1)
        goto fail;
    for (; a->n_threads < ACCEPTORS; a->n_threads++) {
        struct acceptor *one = &a->acceptors[a->n_threads];
        int err;

        one->all = a;
        one->busy.fd = -1;
        err = pthread_create(&one->thread, NULL, run, one);
        if (err != 0) {
            errno = err;
            goto fail;
        }
    }
    return a;
fail:
    accept_free(a);
    return NULL;
}

int accept_fd(const struct accept *a)
{
    return a->ready_fd;
}

void accept_stop(struct accept *a)
{
    uint64_t one = 1;

    (void)!write(a->stop_fd, &one, sizeof(one)); /* it cannot be full */
}

void accept_free(struct accept *a)
{
    struct request *r;
    int i;

    if (a == NULL)
        return;
    if (a->stop_fd != -1)
        accept_stop(a);
    pthread_mutex_lock(&a->lock);
    a->hurry = true;
    pthread_mutex_unlock(&a->lock);
    accept_expire(a, NEVER);
    for (i = 0; i < a->n_threads; i++)
        pthread_join(a->acceptors[i].thread, NULL);
    while ((r = a->first) != NULL) {
        a->first = r->next;
        close(r->fd);
        request_free(r);
    }
    if (a->ready_fd != -1)
        close(a->ready_fd);
    if (a->stop_fd != -1)
        close(a->stop_fd);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
