/*
 * waits.c - thousands of slow answers, one thread.
 *
 *   libmicrohttpd's thread          the timer thread
 *   waits_until(): suspend, push    epoll_wait
 *                                     timerfd: pop all that are due, resume
 *                                     a socket: its client left, resume early
 *
 * libmicrohttpd does not look at a suspended connection, so the second half
 * is what tells us that a client hung up on a silent answer.
 *
 * What always holds while the lock is free:
 *   - a wait with place > 0 is suspended, and heap[place - 1] points to it;
 *   - by_fd[fd] is NULL or a request that has not been forgotten;
 *   - the timer is armed for the head of the heap.
 * The order of locks is ours first, then libmicrohttpd's.
 */
#include "waits.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"

/*
 * Waits end on this grid, so that a thousand streams share their wake-ups;
 * it halves the cost of an event and nobody times a model to less.
 */
#define TICK_NS (NS_PER_MS / 2)

struct waits {
    pthread_mutex_t lock;
    pthread_t thread;
    int epoll_fd;
    int timer_fd;
    int stop_fd;
    atomic_bool is_stopping;
    struct wait **heap; /* the earliest first */
    size_t len;
    size_t cap;
    struct wait **by_fd; /* watched requests */
    size_t max_fds;
};

/* --- the heap; all of it needs the lock --- */

static void heap_put(struct waits *ws, size_t i, struct wait *w)
{
    ws->heap[i] = w;
    w->place = i + 1;
}

static size_t heap_up(struct waits *ws, size_t i, const struct wait *w)
{
    while (i > 0 && ws->heap[(i - 1) / 2]->due_ns > w->due_ns) {
        heap_put(ws, i, ws->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    return i;
}

static size_t heap_down(struct waits *ws, size_t i, const struct wait *w)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < ws->len &&
            ws->heap[child + 1]->due_ns < ws->heap[child]->due_ns)
            child++;
        if (child >= ws->len || ws->heap[child]->due_ns >= w->due_ns)
            return i;
        heap_put(ws, i, ws->heap[child]);
        i = child;
    }
}

static void heap_push(struct waits *ws, struct wait *w)
{
    if (ws->len == ws->cap) {
        size_t cap = ws->cap == 0 ? 1024 : 2 * ws->cap;
        struct wait **heap = realloc(ws->heap, cap * sizeof(struct wait *));

        if (heap == NULL)
            abort();
        ws->heap = heap;
        ws->cap = cap;
    }
    ws->len++;
    heap_put(ws, heap_up(ws, ws->len - 1, w), w);
}

static void heap_remove(struct waits *ws, struct wait *w)
{
    size_t i = w->place - 1;
    struct wait *last = ws->heap[--ws->len];

    w->place = 0;
    if (last == w)
        return;
    i = heap_up(ws, i, last);
    heap_put(ws, heap_down(ws, i, last), last);
}

/* --- the timer thread --- */

/* Needs the lock. */
static void timer_arm(struct waits *ws)
{
    struct itimerspec at = {{0, 0}, {0, 0}}; /* all zero: disarmed */

    if (ws->len > 0 && ws->heap[0]->due_ns != WAIT_FOREVER) {
        at.it_value.tv_sec = ws->heap[0]->due_ns / NS_PER_S;
        at.it_value.tv_nsec = ws->heap[0]->due_ns % NS_PER_S;
    }
    timerfd_settime(ws->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Needs the lock.  After this the request belongs to libmicrohttpd again. */
static void wake(struct waits *ws, struct wait *w)
{
    heap_remove(ws, w);
    MHD_resume_connection(w->conn);
}

static void on_timer(struct waits *ws)
{
    uint64_t ticks;
    int64_t now_ns;

    if (read(ws->timer_fd, &ticks, sizeof(ticks)) == -1 && errno != EAGAIN)
        abort();
    pthread_mutex_lock(&ws->lock);
    now_ns = clock_now_ns();
    while (ws->len > 0 && ws->heap[0]->due_ns <= now_ns)
        wake(ws, ws->heap[0]);
    timer_arm(ws);
    pthread_mutex_unlock(&ws->lock);
}

static bool is_hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1;
}

/* The event may be older than the connection, hence the second look. */
static void on_hangup(struct waits *ws, int fd)
{
    struct wait *w;

    pthread_mutex_lock(&ws->lock);
    w = ws->by_fd[fd];
    if (w != NULL && is_hung_up(fd)) {
        w->is_over = true;
        if (w->place > 0) {
            wake(ws, w);
            timer_arm(ws);
        }
    }
    pthread_mutex_unlock(&ws->lock);
}

static void *timer_thread(void *arg)
{
    struct waits *ws = arg;
    struct epoll_event events[64];
    int count;
    int i;

    for (;;) {
        count = epoll_wait(ws->epoll_fd, events, 64, -1);
        if (count == -1 && errno != EINTR)
            abort();
        for (i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == ws->stop_fd)
                return NULL;
            if (fd == ws->timer_fd)
                on_timer(ws);
            else
                on_hangup(ws, fd);
        }
    }
}

/* --- start and stop --- */

static bool listen_to(struct waits *ws, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data = {.fd = fd}};

    return fd != -1 && epoll_ctl(ws->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void waits_release(struct waits *ws)
{
    if (ws->stop_fd != -1)
        close(ws->stop_fd);
    if (ws->timer_fd != -1)
        close(ws->timer_fd);
    if (ws->epoll_fd != -1)
        close(ws->epoll_fd);
    pthread_mutex_destroy(&ws->lock);
    free(ws->by_fd);
    free(ws->heap);
    free(ws);
}

struct waits *waits_new(size_t max_fds)
{
    struct waits *ws = calloc(1, sizeof(*ws));

    if (ws == NULL)
        return NULL;
    pthread_mutex_init(&ws->lock, NULL);
    ws->max_fds = max_fds;
    ws->by_fd = calloc(max_fds, sizeof(struct wait *));
    ws->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ws->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    ws->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (ws->by_fd == NULL || ws->epoll_fd == -1 ||
        !listen_to(ws, ws->timer_fd) || !listen_to(ws, ws->stop_fd) ||
        pthread_create(&ws->thread, NULL, timer_thread, ws) != 0) {
        fprintf(stderr, "nimsim: cannot start the timer thread\n");
        waits_release(ws);
        return NULL;
    }
    return ws;
}

void waits_stop(struct waits *ws)
{
    uint64_t one = 1;

    pthread_mutex_lock(&ws->lock);
    ws->is_stopping = true;
    while (ws->len > 0) {
        ws->heap[0]->is_over = true;
        wake(ws, ws->heap[0]);
    }
    pthread_mutex_unlock(&ws->lock);
    if (write(ws->stop_fd, &one, sizeof(one)) == -1)
        abort();
    pthread_join(ws->thread, NULL);
}

void waits_free(struct waits *ws)
{
    if (ws != NULL)
        waits_release(ws);
}

/* --- for the requests --- */

/*
 * Needs the lock.  Edge-triggered, so that one call lasts for the whole
 * answer; a client that has already left is reported at once.
 */
static void watch_begin(struct waits *ws, struct wait *w)
{
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET,
                             .data = {.fd = w->fd}};

    if (w->is_watched || (size_t)w->fd >= ws->max_fds)
        return;
    ws->by_fd[w->fd] = w;
    w->is_watched = true;
    if (epoll_ctl(ws->epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) == -1)
        fprintf(stderr, "nimsim: cannot watch a client: %s\n", strerror(errno));
}

static int64_t to_tick(int64_t due_ns)
{
    return (due_ns + TICK_NS - 1) / TICK_NS * TICK_NS;
}

enum wait_result waits_until(struct waits *ws, struct wait *w, int64_t due_ns,
                             bool watch)
{
    enum wait_result result = WAIT_OVER;

    pthread_mutex_lock(&ws->lock);
    if (!ws->is_stopping && !w->is_over) {
        /* Suspended first: once in the heap it may be resumed any time. */
        MHD_suspend_connection(w->conn);
        if (watch)
            watch_begin(ws, w);
        w->due_ns = due_ns == WAIT_FOREVER ? due_ns : to_tick(due_ns);
        heap_push(ws, w);
        if (w->place == 1)
            timer_arm(ws);
        result = WAIT_SUSPENDED;
    }
    pthread_mutex_unlock(&ws->lock);
    return result;
}

/* Asked before every event of every stream, hence without the lock. */
bool waits_is_over(struct waits *ws, struct wait *w)
{
    return w->is_over || ws->is_stopping;
}

void waits_forget(struct waits *ws, struct wait *w)
{
    pthread_mutex_lock(&ws->lock);
    if (w->place > 0)
        heap_remove(ws, w);
    if (w->is_watched) {
        epoll_ctl(ws->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
        ws->by_fd[w->fd] = NULL;
        w->is_watched = false;
    }
    pthread_mutex_unlock(&ws->lock);
}
