/*
 * readers.c - who waits for a large body, and who parses it?
 *
 *   the loop -> jobs -> a thread: receive_slowly() -> done + eventfd -> the loop
 *
 * libfcgi reads with blocking calls, and a body of megabytes takes its time to
 * parse, so a few threads do nothing else.  A peer that is slow, byte by byte
 * or not at all, must not keep a thread: all that is on its way in stands in
 * one list, and the loop shuts down what is past its deadline; the thread's
 * read() then ends.
 */
#include "fcgi/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/config/bounds.h"
#include "fcgi/receive.h"
#include "lib/base.h"
#include "lib/clock.h"

/* A request on its way in. */
struct job {
    struct job *next;
    int fd;
    int64_t deadline_ns;
    bool begun; /* a thread is at it */
};

struct readers {
    int ready_fd; /* eventfd: something is done */
    struct gate *gate;
    pthread_t threads[READERS];
    int n_threads;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wanted;
    bool over;
    struct job *jobs; /* oldest first; a job leaves when it is done */
    struct request *first, *last;
};

static struct job *next_job(struct readers *rs)
{
    struct job *j;

    for (j = rs->jobs; j != NULL && j->begun;)
        j = j->next;
    return j;
}

/* From here on its descriptor is the loop's, or closed: J ends. */
static void finish(struct readers *rs, struct job *j, struct request *r)
{
    uint64_t one = 1;
    struct job **at;

    for (at = &rs->jobs; *at != j;)
        at = &(*at)->next;
    *at = j->next;
    if (r == NULL) {
        close(j->fd);
    } else {
        r->fd = j->fd;
        r->next = NULL;
        if (rs->first == NULL)
            rs->first = r;
        else
            rs->last->next = r;
        rs->last = r;
    }
    /* Told of failures too: the loop may wait for us to be idle. */
    if (write(rs->ready_fd, &one, sizeof(one)) == -1)
        CHECK(errno == EAGAIN); /* then it is readable anyway */
    free(j);
}

static void *run(void *arg)
{
    struct readers *rs = arg;

    pthread_mutex_lock(&rs->lock);
    while (!rs->over) {
        struct job *j = next_job(rs);
        struct request *r;

        if (j == NULL) {
            pthread_cond_wait(&rs->wanted, &rs->lock);
            continue;
        }
        j->begun = true;
        pthread_mutex_unlock(&rs->lock);
        r = receive_slowly(j->fd, rs->gate, clock_now_ns());
        pthread_mutex_lock(&rs->lock);
        finish(rs, j, r);
    }
    pthread_mutex_unlock(&rs->lock);
    return NULL;
}

struct readers *readers_start(struct gate *g)
{
    struct readers *rs = calloc(1, sizeof(*rs));

    CHECK(rs != NULL);
    rs->gate = g;
    pthread_mutex_init(&rs->lock, NULL);
    pthread_cond_init(&rs->wanted, NULL);
    rs->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (rs->ready_fd == -1)
        goto fail;
    for (; rs->n_threads < READERS; rs->n_threads++) {
        int err = pthread_create(&rs->threads[rs->n_threads], NULL, run, rs);

        if (err != 0) {
            errno = err;
            goto fail;
        }
    }
    return rs;
fail:
    readers_free(rs);
    return NULL;
}

void readers_add(struct readers *rs, int fd, int64_t deadline_ns)
{
    struct job *j = calloc(1, sizeof(*j)), **at;
    int flags = fcntl(fd, F_GETFL);

    CHECK(j != NULL);
    (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK); /* libfcgi waits in read */
    j->fd = fd;
    j->deadline_ns = deadline_ns;
    pthread_mutex_lock(&rs->lock);
    for (at = &rs->jobs; *at != NULL;)
        at = &(*at)->next;
    *at = j;
    pthread_cond_signal(&rs->wanted);
    pthread_mutex_unlock(&rs->lock);
}

int readers_fd(const struct readers *rs)
{
    return rs->ready_fd;
}

struct request *readers_take(struct readers *rs)
{
    struct request *r;
    uint64_t n;

    if (read(rs->ready_fd, &n, sizeof(n)) == -1)
        CHECK(errno == EAGAIN || errno == EINTR);
    pthread_mutex_lock(&rs->lock);
    r = rs->first;
    rs->first = rs->last = NULL;
    pthread_mutex_unlock(&rs->lock);
    return r;
}

void readers_expire(struct readers *rs, int64_t now)
{
    struct job *j;

    pthread_mutex_lock(&rs->lock);
    for (j = rs->jobs; j != NULL; j = j->next)
        if (j->deadline_ns <= now)
            shutdown(j->fd, SHUT_RD);
    pthread_mutex_unlock(&rs->lock);
}

bool readers_are_idle(struct readers *rs)
{
    bool idle;

    pthread_mutex_lock(&rs->lock);
    idle = rs->jobs == NULL && rs->first == NULL;
    pthread_mutex_unlock(&rs->lock);
    return idle;
}

void readers_free(struct readers *rs)
{
    struct request *r;
    struct job *j;
    int i;

    if (rs == NULL)
        return;
    pthread_mutex_lock(&rs->lock);
    rs->over = true;
    pthread_cond_broadcast(&rs->wanted);
    pthread_mutex_unlock(&rs->lock);
    readers_expire(rs, NEVER);
    for (i = 0; i < rs->n_threads; i++)
        pthread_join(rs->threads[i], NULL);
    while ((j = rs->jobs) != NULL) {
        rs->jobs = j->next;
        close(j->fd);
        free(j);
    }
    while ((r = rs->first) != NULL) {
        rs->first = r->next;
        close(r->fd);
        request_free(r);
    }
    if (rs->ready_fd != -1)
        close(rs->ready_fd);
    pthread_cond_destroy(&rs->wanted);
    pthread_mutex_destroy(&rs->lock);
    free(rs);
}
