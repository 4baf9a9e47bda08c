/*
 * store_names.c - at which addresses is a name?
 *
 * getaddrinfo() waits for servers, for half a minute if they are silent, so it
 * has a thread.  Nothing can end it early: whoever cannot wait leaves, and the
 * thread frees what both have.  It is not lib/offload.c's, whose one thread
 * would keep a change of settings waiting, and an end would wait for it.
 */
#include "fcgi/store/store_names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/config/store_url.h"
#include "lib/base.h"
#include "lib/loop.h"

#define STACK_BYTES ((size_t)512 * 1024) /* of glibc's resolver, with room */

struct store_names {
    /* The thread's, until it has written to fd. */
    char host[STORE_HOST_MAX], port[8];
    struct store_spot spots[STORE_SPOTS];
    size_t n;
    int error; /* of getaddrinfo() */
    int fd;    /* an eventfd */
    atomic_int holders;
    /* The loop's. */
    struct loop *loop;
    struct loop_watch watch;
    store_names_found *found;
    void *arg;
};

/* The last one closes the door. */
static void let_go(struct store_names *n)
{
    if (atomic_fetch_sub(&n->holders, 1) != 1)
        return;
    close(n->fd);
    free(n);
}

/* ---- in the thread --------------------------------------------------------------- */

/* May take for ever; touches nothing but N. */
static void look_up(struct store_names *n)
{
    struct addrinfo want = {.ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL, *a;

    n->error = getaddrinfo(n->host, n->port, &want, &list);
    for (a = n->error == 0 ? list : NULL; a != NULL && n->n < STORE_SPOTS;
         a = a->ai_next) {
        if (a->ai_addrlen > sizeof(n->spots[0].at))
            continue;
        memcpy(&n->spots[n->n].at, a->ai_addr, a->ai_addrlen);
        n->spots[n->n++].len = a->ai_addrlen;
    }
    if (n->error == 0)
        freeaddrinfo(list);
}

static void *run(void *arg)
{
    struct store_names *n = arg;
    uint64_t one = 1;

    look_up(n);
    while (write(n->fd, &one, sizeof(one)) == -1 && errno == EINTR)
        continue;
    let_go(n);
    return NULL;
}

/* ---- in the loop ------------------------------------------------------------------ */

static void on_found(void *arg, uint32_t events)
{
    struct store_names *n = arg;
    struct store_spot spots[STORE_SPOTS];
    store_names_found *found = n->found;
    const char *why = NULL;
    size_t count;
    uint64_t one;

    (void)events;
    if (read(n->fd, &one, sizeof(one)) != sizeof(one))
        return;
    /* Copied, as N ends before FOUND is called. */
    memcpy(spots, n->spots, sizeof(spots));
    count = n->n;
    if (count == 0)
        why = n->error != 0 && n->error != EAI_SYSTEM
                  ? gai_strerror(n->error)
                  : "the name has no address";
    arg = n->arg;
    store_names_free(n); /* the one who asks may ask again in FOUND */
    found(arg, spots, count, why);
}

void store_names_free(struct store_names *n)
{
    if (n == NULL)
        return;
    loop_unwatch(n->loop, &n->watch);
    let_go(n);
}

/* Signals are blocked in every thread already (main.c). */
static int start_thread(struct store_names *n)
{
    pthread_attr_t attr;
    pthread_t thread;
    int error = pthread_attr_init(&attr);

    if (error != 0)
        return error;
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    atomic_store(&n->holders, 2);
    error = pthread_create(&thread, &attr, run, n);
    if (error != 0)
        atomic_store(&n->holders, 1);
    (void)pthread_attr_destroy(&attr);
    return error;
}

struct store_names *store_names_ask(struct loop *loop, const char *host,
                                    uint16_t port, store_names_found *found,
                                    void *arg)
{
    struct store_names *n = calloc(1, sizeof(*n));
    int error;

    if (n == NULL)
        return NULL;
    n->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->fd == -1) {
        free(n);
        return NULL;
    }
    (void)snprintf(n->host, sizeof(n->host), "%s", host);
    (void)snprintf(n->port, sizeof(n->port), "%u", port);
    n->loop = loop;
    n->found = found;
    n->arg = arg;
    atomic_init(&n->holders, 1);
    n->watch = (struct loop_watch){-1, 0, on_found, n};
    loop_watch(loop, &n->watch, n->fd, EPOLLIN);
    error = start_thread(n);
    if (error == 0)
        return n;
    store_names_free(n);
    errno = error;
    return NULL;
}

/* ---- what needs no asking --------------------------------------------------------- */

static bool path_spot(struct store_spot *spot, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&spot->at;
    size_t len = strlen(path);

    if (len >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len + 1);
    spot->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return true;
}

bool store_names_number(struct store_spot *spot, const char *host,
                        uint16_t port)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&spot->at;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&spot->at;

    memset(spot, 0, sizeof(*spot));
    if (port == 0)
        return path_spot(spot, host);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        spot->len = sizeof(*four);
        return true;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        spot->len = sizeof(*six);
        return true;
    }
    return false;
}
