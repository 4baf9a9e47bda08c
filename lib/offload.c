/*
 * offload.c - who waits for the disk, so that the loop need not?
 *
 * One thread at a time, made for one job and gone with it: there are few, and
 * an idle worker shall have no more threads than it needs.  The loop hears of
 * the end by an eventfd and joins the thread, which makes all it wrote visible.
 */
#include "lib/offload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1024 * 1024) /* as much as is touched is used */

struct offload {
    struct loop *loop;
    struct loop_watch watch;
    int fd;
    pthread_t thread;
    struct job *running; /* NULL: none */
    struct job *first, **last;
};

static void start_next(struct offload *o);

static void *run(void *arg)
{
    struct offload *o = arg;
    uint64_t one = 1;

    o->running->work(o->running);
    while (write(o->fd, &one, sizeof(one)) == -1 && errno == EINTR)
        continue;
    return NULL;
}

static void finish(struct offload *o)
{
    struct job *job = o->running;

    (void)pthread_join(o->thread, NULL);
    o->running = NULL;
    job->done(job, true);
}

static void on_over(void *arg, uint32_t events)
{
    struct offload *o = arg;
    uint64_t n;

    (void)events;
    if (read(o->fd, &n, sizeof(n)) != sizeof(n) || o->running == NULL)
        return;
    finish(o);
    start_next(o);
}

/* Signals are blocked in every thread already (main.c). */
static bool start_thread(struct offload *o)
{
    pthread_attr_t attr;
    bool fine;

    if (pthread_attr_init(&attr) != 0)
        return false;
    fine = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
           pthread_create(&o->thread, &attr, run, o) == 0;
    (void)pthread_attr_destroy(&attr);
    return fine;
}

static struct job *take_first(struct offload *o)
{
    struct job *job = o->first;

    if (job == NULL)
        return NULL;
    o->first = job->next;
    if (o->first == NULL)
        o->last = &o->first;
    return job;
}

static void start_next(struct offload *o)
{
    while (o->running == NULL && o->first != NULL) {
        o->running = take_first(o);
        if (!start_thread(o)) {
            struct job *job = o->running;

            o->running = NULL;
            job->done(job, false);
        }
    }
}

struct offload *offload_new(struct loop *loop)
{
    struct offload *o = calloc(1, sizeof(*o));

    if (o == NULL)
        return NULL;
    o->loop = loop;
    o->last = &o->first;
    o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (o->fd == -1) {
        free(o);
        return NULL;
    }
    o->watch = (struct loop_watch){-1, 0, on_over, o};
    loop_watch(loop, &o->watch, o->fd, EPOLLIN);
    return o;
}

void offload_do(struct offload *o, struct job *job)
{
    job->next = NULL;
    *o->last = job;
    o->last = &job->next;
    start_next(o);
}

void offload_free(struct offload *o)
{
    struct job *job;

    if (o == NULL)
        return;
    if (o->running != NULL)
        finish(o);
    while ((job = take_first(o)) != NULL)
        job->done(job, false);
    loop_unwatch(o->loop, &o->watch);
    close(o->fd);
    free(o);
}
