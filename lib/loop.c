/*
 * loop.c - what happens next?
 *
 *   wait (epoll, no longer than the first timer) -> descriptors -> timers
 *        -> hook -> wait ...
 *
 * Timers are a binary heap of pointers into their owners, so that setting,
 * moving and cancelling one needs no allocation but the heap's own growth.  Most
 * are patience, put off with each sign of life: such a one stays where it lies,
 * and finds its place when it comes to the top.
 */
#include "lib/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/clock.h"

#define BATCH 256 /* events a step; the rest come with the next */

struct loop {
    int ep;
    bool stop;
    int64_t now;
    int64_t gather_ns; /* the next step is not to begin sooner */
    int urgent;        /* an epoll of those that break this; -1: none */
    struct epoll_event batch[BATCH];
    int n_batch, at_batch, n_ready;
    struct loop_timer **heap; /* from 1 */
    size_t n_heap, cap_heap;
};

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (l == NULL)
        return NULL;
    l->now = clock_now_ns();
    l->urgent = -1;
    l->ep = epoll_create1(EPOLL_CLOEXEC);
    if (l->ep == -1) {
        free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    close(l->ep);
    if (l->urgent != -1)
        close(l->urgent);
    free(l->heap);
    free(l);
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}

int64_t loop_now(const struct loop *l)
{
    return l->now;
}

int loop_ready(const struct loop *l)
{
    return l->n_ready;
}

void loop_gather(struct loop *l, int64_t ns)
{
    l->gather_ns = l->now + ns;
}

void loop_hurry(struct loop *l, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN};

    if (l->urgent == -1)
        l->urgent = epoll_create1(EPOLL_CLOEXEC);
    CHECK(l->urgent != -1 && epoll_ctl(l->urgent, EPOLL_CTL_ADD, fd, &ev) == 0);
}

/* ---- descriptors ------------------------------------------------------ */

void loop_watch(struct loop *l, struct loop_watch *w, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    int op = w->fd == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (w->fd == fd && w->events == events)
        return;
    w->fd = fd;
    w->events = events;
    if (epoll_ctl(l->ep, op, fd, &ev) == 0)
        return;
    /* The number may be another socket's now: libcurl closes and opens. */
    if (errno == ENOENT)
        CHECK(epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &ev) == 0);
    else
        CHECK(errno == EEXIST && epoll_ctl(l->ep, EPOLL_CTL_MOD, fd, &ev) == 0);
}

void loop_unwatch(struct loop *l, struct loop_watch *w)
{
    if (w->fd == -1)
        return;
    (void)epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL); /* may be closed */
    loop_forget(l, w);
}

void loop_forget(struct loop *l, struct loop_watch *w)
{
    int i;

    w->fd = -1;
    for (i = l->at_batch; i < l->n_batch; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
}

static void run_watches(struct loop *l)
{
    for (l->at_batch = 0; l->at_batch < l->n_batch; l->at_batch++) {
        struct epoll_event *ev = &l->batch[l->at_batch];
        struct loop_watch *w = ev->data.ptr;

        if (w != NULL)
            w->fn(w->arg, ev->events);
    }
    l->n_batch = 0;
}

/* ---- timers ------------------------------------------------------------- */

static void put(struct loop *l, size_t i, struct loop_timer *t)
{
    l->heap[i] = t;
    t->place = i;
}

static void sift_up(struct loop *l, size_t i, struct loop_timer *t)
{
    while (i > 1 && l->heap[i / 2]->key_ns > t->key_ns) {
        put(l, i, l->heap[i / 2]);
        i /= 2;
    }
    put(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct loop_timer *t)
{
    for (;;) {
        size_t child = 2 * i;

        if (child > l->n_heap)
            break;
        if (child < l->n_heap &&
            l->heap[child + 1]->key_ns < l->heap[child]->key_ns)
            child++;
        if (l->heap[child]->key_ns >= t->key_ns)
            break;
        put(l, i, l->heap[child]);
        i = child;
    }
    put(l, i, t);
}

void loop_cancel(struct loop *l, struct loop_timer *t)
{
    struct loop_timer *last;
    size_t i = t->place;

    if (i == 0)
        return;
    t->place = 0;
    last = l->heap[l->n_heap--];
    if (last == t)
        return;
    sift_up(l, i, last);
    sift_down(l, last->place, last);
}

void loop_at(struct loop *l, struct loop_timer *t, int64_t at_ns)
{
    t->at_ns = at_ns;
    if (t->place != 0 && t->key_ns <= at_ns)
        return;
    loop_cancel(l, t);
    t->key_ns = at_ns;
    if (l->n_heap + 2 > l->cap_heap) {
        l->cap_heap = l->cap_heap > 0 ? 2 * l->cap_heap : 64;
        l->heap = realloc(l->heap, l->cap_heap * sizeof(struct loop_timer *));
        CHECK(l->heap != NULL);
    }
    l->n_heap++;
    sift_up(l, l->n_heap, t);
}

/* The first timer; NULL: there is none.  Those before it that were put off go
 * where they belong. */
static struct loop_timer *first_timer(struct loop *l)
{
    struct loop_timer *t;

    while (l->n_heap > 0) {
        t = l->heap[1];
        if (t->key_ns == t->at_ns)
            return t;
        t->key_ns = t->at_ns;
        sift_down(l, 1, t);
    }
    return NULL;
}

static void run_timers(struct loop *l)
{
    /* Only those due now: one that sets itself again to now waits its turn. */
    size_t n = l->n_heap;
    struct loop_timer *t;

    while (n-- > 0 && (t = first_timer(l)) != NULL && t->at_ns <= l->now) {
        loop_cancel(l, t);
        t->fn(t->arg);
    }
}

static struct timespec until(int64_t at_ns)
{
    int64_t ns = max_i64(at_ns - clock_now_ns(), 0);

    return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

/* Until the first timer; NULL: for ever. */
static const struct timespec *patience(struct loop *l, struct timespec *ts)
{
    const struct loop_timer *first = first_timer(l);

    if (first == NULL)
        return NULL;
    *ts = until(first->at_ns);
    return ts;
}

/* A wait that ends early does no harm: the next step is only a smaller one. */
static void gather(struct loop *l)
{
    const struct loop_timer *first = first_timer(l);
    struct epoll_event ev;
    struct timespec ts;

    if (l->gather_ns <= l->now || l->urgent == -1)
        return;
    if (first != NULL)
        l->gather_ns = min_i64(l->gather_ns, first->at_ns);
    ts = until(l->gather_ns);
    if (ts.tv_sec > 0 || ts.tv_nsec > 0) /* else the step was long enough */
        (void)epoll_pwait2(l->urgent, &ev, 1, &ts, NULL);
    l->gather_ns = 0;
}

/* To the nanosecond where the kernel can (Linux 5.11): a slot that opens is
 * used at once.  Elsewhere milliseconds, rounded up so that no timer is early. */
static int wait_for_events(struct loop *l)
{
    struct timespec ts;
    const struct timespec *most = patience(l, &ts);
    int n = epoll_pwait2(l->ep, l->batch, BATCH, most, NULL), ms = -1;

    if (n >= 0 || errno != ENOSYS)
        return n;
    if (most != NULL && ts.tv_sec < 60)
        ms = (int)(ts.tv_sec * 1000 + (ts.tv_nsec + 999999) / 1000000);
    else if (most != NULL)
        ms = 60000;
    return epoll_wait(l->ep, l->batch, BATCH, ms);
}

void loop_run(struct loop *l, void (*hook)(void *arg), void *arg)
{
    while (!l->stop) {
        int n;

        gather(l);
        n = wait_for_events(l);
        CHECK(n >= 0 || errno == EINTR);
        l->n_batch = l->n_ready = n > 0 ? n : 0;
        l->now = clock_now_ns();
        run_watches(l);
        run_timers(l);
        hook(arg);
    }
    l->stop = false;
}
