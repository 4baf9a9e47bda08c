/*
 * store_wire.c - how do commands get there, and replies back?
 *
 *   connecting -> (TLS) -> up -> lost
 *
 * The socket is ours; hiredis writes commands (store_words.c) and reads replies
 * (store_reader.c).  Its own asynchronous connection is not used: it ends the
 * process by an assert() when a server says what nobody asked for, and frees
 * itself, one version otherwise than the next.
 *
 * Whoever is called back may free the wire.  So the memory stays until the last
 * function of ours has returned, and each looks at `freed` behind a call.
 */
#include "fcgi/store/store_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/store/store_reader.h"
#include "fcgi/store/store_spot.h"
#include "fcgi/store/store_tls.h"
#include "fcgi/store/store_words.h"
#include "lib/base.h"
#include "lib/buf.h"
#include "lib/complaint.h"
#include "lib/loop.h"

#define READ_BYTES 16384 /* a record of TLS: nothing stays behind in OpenSSL */
#define READS_MAX  16    /* a step; the rest comes with the next */
#define WHY_MAX    256

enum state { CONNECTING = 0, SHAKING, UP, LOST };

struct store_wire {
    struct loop *loop;
    struct loop_watch watch;
    int fd;
    enum state state;
    struct ssl_st *tls; /* NULL: none */
    bool tls_writes;    /* TLS must write before it goes on */
    struct store_reader reader;
    struct buf out;
    const struct store_wire_calls *calls;
    void *arg;
    unsigned busy; /* functions of ours that will look at it again */
    bool freed;
};

/* ---- its end ---------------------------------------------------------------------- */

static void destroy(struct store_wire *w)
{
    if (w->out.data != NULL) /* a password may be in it */
        explicit_bzero(w->out.data, w->out.cap);
    buf_free(&w->out);
    store_reader_fini(&w->reader);
    free(w);
}

/* At once, also in the middle of a callback: no event of it comes any more. */
static void close_socket(struct store_wire *w)
{
    loop_unwatch(w->loop, &w->watch);
    store_tls_close(w->tls);
    w->tls = NULL;
    if (w->fd != -1)
        close(w->fd);
    w->fd = -1;
    w->state = LOST;
}

void store_wire_free(struct store_wire *w)
{
    if (w == NULL || w->freed)
        return;
    w->freed = true;
    close_socket(w);
    if (w->busy == 0)
        destroy(w);
}

/* Once.  Whoever hears it may free the wire: nothing is touched behind it. */
static void lose(struct store_wire *w, enum store_fault f, const char *why)
{
    if (w->freed || w->state == LOST)
        return;
    close_socket(w);
    w->calls->lost(w->arg, f, why);
}

static void lose_errno(struct store_wire *w, int error)
{
    lose(w, STORE_AWAY, strerror(error));
}

static void lose_tls(struct store_wire *w, enum store_tls_step step)
{
    char text[WHY_MAX];
    struct complaint why = {text, sizeof(text)};
    bool ended = step == STORE_TLS_END;

    if (ended)
        (void)complain(&why, "it has closed the connection");
    else
        store_tls_why(w->tls, &why);
    lose(w, ended ? STORE_AWAY : STORE_NOT_TRUSTED, text);
}

/* ---- out -------------------------------------------------------------------------- */

static void watch(struct store_wire *w)
{
    bool writes = w->state == CONNECTING || w->tls_writes ||
                  (w->state == UP && w->out.len > 0);

    if (w->state != LOST)
        loop_watch(w->loop, &w->watch, w->fd,
                   EPOLLIN | (writes ? EPOLLOUT : 0U));
}

/* Bytes that the socket took; 0: none now; -1: it is over, errno says why (or,
 * with TLS, *STEP). */
static ssize_t write_some(struct store_wire *w, enum store_tls_step *step)
{
    size_t done = 0;
    ssize_t n;

    if (w->tls != NULL) {
        *step = store_tls_write(w->tls, buf_head(&w->out), w->out.len, &done);
        w->tls_writes = *step == STORE_TLS_WRITE;
        if (*step == STORE_TLS_DONE)
            return (ssize_t)done;
        return *step == STORE_TLS_READ || w->tls_writes ? 0 : -1;
    }
    n = send(w->fd, buf_head(&w->out), w->out.len, MSG_NOSIGNAL);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n;
}

/* False: the connection is over, which the next event tells its owner. */
static bool flush(struct store_wire *w, enum store_tls_step *step)
{
    ssize_t n = 1;

    while (w->out.len > 0 && n > 0) {
        n = write_some(w, step);
        if (n > 0)
            buf_take(&w->out, (size_t)n);
    }
    return n >= 0;
}

void store_wire_send(struct store_wire *w, const struct store_words *words)
{
    enum store_tls_step step = STORE_TLS_DONE;

    if (w->state != UP)
        return; /* lost: its owner is about to hear so */
    store_words_put(words, &w->out);
    /* At once, as a slot may wait for it.  What fails here fails again from the
     * loop: an owner is not called back out of its own call. */
    (void)flush(w, &step);
    watch(w);
}

/* ---- in --------------------------------------------------------------------------- */

/* All that are whole.  Their owner may end the connection with each of them. */
static void take_replies(struct store_wire *w)
{
    const char *why;
    redisReply *r;

    while (!w->freed && w->state == UP) {
        r = store_reader_next(&w->reader, &why);
        if (why != NULL)
            lose(w, STORE_STRANGE, why);
        if (r == NULL)
            return;
        w->calls->reply(w->arg, r);
        freeReplyObject(r);
    }
}

static void take_bytes(struct store_wire *w, const char *data, size_t len)
{
    const char *why = store_reader_feed(&w->reader, data, len);

    if (why != NULL)
        lose(w, STORE_STRANGE, why);
    else
        take_replies(w);
}

/* False: there is no more now, or it is over. */
static bool read_plain(struct store_wire *w)
{
    char data[READ_BYTES];
    ssize_t n = recv(w->fd, data, sizeof(data), 0);

    if (n > 0)
        take_bytes(w, data, (size_t)n);
    else if (n == 0)
        lose(w, STORE_AWAY, "it has closed the connection");
    else if (errno != EAGAIN && errno != EINTR)
        lose_errno(w, errno);
    return n == sizeof(data);
}

static bool read_tls(struct store_wire *w)
{
    char data[READ_BYTES];
    size_t n = 0;
    enum store_tls_step step = store_tls_read(w->tls, data, sizeof(data), &n);

    w->tls_writes = step == STORE_TLS_WRITE;
    if (step == STORE_TLS_DONE)
        take_bytes(w, data, n);
    else if (step != STORE_TLS_READ && step != STORE_TLS_WRITE)
        lose_tls(w, step);
    return step == STORE_TLS_DONE;
}

/* As much as is there, within reason: others wait for this loop, too. */
static void read_all(struct store_wire *w)
{
    int i;

    for (i = 0; i < READS_MAX && !w->freed && w->state == UP; i++)
        if (!(w->tls != NULL ? read_tls(w) : read_plain(w)))
            return;
}

/* ---- its life --------------------------------------------------------------------- */

/* Not before TLS is through: a password must not go to a stranger. */
static void be_up(struct store_wire *w)
{
    w->state = UP;
    w->calls->up(w->arg);
}

static void shake(struct store_wire *w)
{
    enum store_tls_step step = store_tls_shake(w->tls);

    w->tls_writes = step == STORE_TLS_WRITE;
    if (step == STORE_TLS_DONE)
        be_up(w);
    else if (step != STORE_TLS_READ && step != STORE_TLS_WRITE)
        lose_tls(w, step);
}

/* A connect() that did not wait is over, well or not. */
static void connected(struct store_wire *w)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        error = errno;
    if (error != 0) {
        lose_errno(w, error);
        return;
    }
    w->state = w->tls != NULL ? SHAKING : UP;
    if (w->state == SHAKING)
        shake(w);
    else
        be_up(w);
}

static void use(struct store_wire *w, uint32_t events)
{
    enum store_tls_step step = STORE_TLS_FAULT;

    if (w->state == CONNECTING) {
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
            connected(w);
        return;
    }
    if (w->state == SHAKING) {
        shake(w);
        return;
    }
    read_all(w); /* first: why it closes is said before it is closed */
    if (w->freed || w->state != UP || flush(w, &step))
        return;
    if (w->tls != NULL)
        lose_tls(w, step);
    else
        lose_errno(w, errno);
}

static void on_event(void *arg, uint32_t events)
{
    struct store_wire *w = arg;

    w->busy++;
    use(w, events);
    w->busy--;
    if (w->freed && w->busy == 0)
        destroy(w);
    else if (!w->freed)
        watch(w);
}

/* ---- its beginning ---------------------------------------------------------------- */

/* A lost link must be seen although nobody says so; and a call is small and
 * waited for: it is never held back for more to come. */
static void tune(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* -1 with errno. */
static int connect_to(const struct store_spot *to)
{
    int fd =
        socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd == -1)
        return -1;
    if (to->at.ss_family != AF_UNIX)
        tune(fd);
    if (connect(fd, (const struct sockaddr *)&to->at, to->len) == 0 ||
        errno == EINPROGRESS)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

struct store_wire *store_wire_open(struct loop *loop,
                                   const struct store_spot *to,
                                   struct ssl_ctx_st *tls, const char *host,
                                   const struct store_wire_calls *calls,
                                   void *arg, struct complaint *why)
{
    struct store_wire *w = calloc(1, sizeof(*w));

    if (w == NULL || store_reader_init(&w->reader) == -1) {
        free(w);
        (void)complain(why, "%s", strerror(ENOMEM));
        return NULL;
    }
    w->loop = loop;
    w->watch = (struct loop_watch){-1, 0, on_event, w};
    w->calls = calls;
    w->arg = arg;
    w->fd = connect_to(to);
    if (w->fd != -1 && tls != NULL)
        w->tls = store_tls_open(tls, host, w->fd);
    if (w->fd == -1 || (tls != NULL && w->tls == NULL)) {
        (void)complain(why, "%s", strerror(w->fd == -1 ? errno : ENOMEM));
        store_wire_free(w);
        return NULL;
    }
    watch(w);
    return w;
}
