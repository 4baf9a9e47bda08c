/*
 * accept.c - how does a request get in without holding anybody up?
 *
 *   listen fd -> accept4 -> FCGX_Accept_r (parameters) -> STDIN -> parse
 *             -> list + eventfd -> the loop
 *
 * libfcgi reads with blocking calls, so a few threads do nothing else.  Each
 * accepts by itself and gives libfcgi a descriptor with a receive timeout:
 * FCGX_Accept_r would otherwise wait for ever for a peer that sends half a
 * header, and for two seconds for one that sends nothing.  When the request
 * is whole the descriptor is taken over: libfcgi forgets it (its writers
 * block) and the loop speaks FastCGI on it from then on.
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

struct accept {
    int listen_fd;
    int ready_fd; /* eventfd: requests are in the list */
    int stop_fd;  /* eventfd: written once, never read */
    int64_t max_body;
    pthread_t threads[ACCEPTORS];
    int n_threads;
    pthread_mutex_t lock; /* of the list */
    struct request *first, *last;
};

static void hand_over(struct accept *a, struct request *r)
{
    uint64_t one = 1;
    bool was_empty;

    pthread_mutex_lock(&a->lock);
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

/* ---- one request ----------------------------------------------------------- */

/* What is left until DEADLINE becomes the limit of the next read(). */
static bool set_patience(int fd, int64_t deadline)
{
    int64_t left = deadline - clock_now_ns();
    struct timeval tv;

    if (left < NS_PER_MS)
        return false;
    tv.tv_sec = left / NS_PER_S;
    tv.tv_usec = left % NS_PER_S / 1000;
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0;
}

/*
 * Reads STDIN to its end, keeping at most MAX bytes: what is more is read and
 * dropped, because a peer whose bytes are left unread would be reset and
 * never see our answer.  One buffer of libfcgi's at a time, so that a sender
 * of single bytes meets the deadline too.  False: broken off or too slow.
 */
static bool read_body(FCGX_Request *fr, struct buf *body, size_t max,
                      int64_t deadline, size_t *total)
{
    FCGX_Stream *in = fr->in;

    *total = 0;
    while (set_patience(fr->ipcFd, deadline)) {
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
    return false;
}

/* A request is whole, or as whole as it will get. */
static struct request *receive(const struct accept *a, FCGX_Request *fr,
                               int64_t deadline)
{
    struct request *r = request_new(fr->envp, clock_now_ns());
    int64_t length = request_content_length(fr->envp);
    size_t max = (size_t)a->max_body, total;
    const char *allow = "";

    if (length == -2)
        fault_set(&r->fault, 400, "sluice_bad_request",
                  "Content-Length is not a number.");
    if (!read_body(fr, &r->body, max, deadline, &total)) {
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

static void serve(struct accept *a, int fd)
{
    int64_t deadline = clock_now_ns() + BODY_DEADLINE_MS * NS_PER_MS;
    struct request *r = NULL;
    FCGX_Request fr;

    /*
     * With keepConnection set FCGX_Accept_r keeps the descriptor it finds
     * and reads from it; -1 as listening socket makes its own accept(),
     * after a broken request, fail at once.
     */
    FCGX_InitRequest(&fr, -1, 0);
    fr.ipcFd = fd;
    fr.keepConnection = 1;
    if (!set_patience(fd, deadline)) {
        close(fd);
        return;
    }
    if (FCGX_Accept_r(&fr) == 0) {
        r = receive(a, &fr, deadline);
        if (r != NULL) {
            r->fd = fr.ipcFd;
            r->fcgi_id = (uint16_t)fr.requestId;
            fr.ipcFd = -1;
        }
    }
    FCGX_Free(&fr, r == NULL && fr.ipcFd != -1);
    if (r != NULL)
        hand_over(a, r);
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
    struct accept *a = arg;
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
            serve(a, fd);
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
        int err = pthread_create(&a->threads[a->n_threads], NULL, run, a);

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

    if (a == NULL)
        return;
    if (a->stop_fd != -1)
        accept_stop(a);
    while (a->n_threads > 0)
        pthread_join(a->threads[--a->n_threads], NULL);
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
