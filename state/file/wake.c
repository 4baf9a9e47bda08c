/*
 * wake.c - how does a worker tell another that its turn has come?
 *
 * A UNIX datagram socket for each worker, named by a random number in the
 * state directory.  A full queue means that the receiver has been told
 * already; a dead receiver refuses.  Both are fine.
 *
 * A name can be removed, and a socket is bound but once: then another one gets
 * the same name.  Whoever watches us sees an epoll descriptor that both of
 * them hang on, one after the other.
 */
#include "state/file/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME_FORMAT WAKE_PREFIX "%016" PRIx64
#define DRAIN_MAX   100 /* a sender that never stops must not hold us */

/* The directory's path may be longer than sun_path; its descriptor is not. */
static socklen_t name_socket(struct sockaddr_un *sun, int dir, uint64_t address)
{
    memset(sun, 0, sizeof(*sun));
    sun->sun_family = AF_UNIX;
    snprintf(sun->sun_path, sizeof(sun->sun_path),
             "/proc/self/fd/%d/" NAME_FORMAT, dir, address);
    return (socklen_t)sizeof(*sun);
}

static void name_of(char name[32], uint64_t address)
{
    snprintf(name, 32, NAME_FORMAT, address);
}

bool wake_is_named(const struct wake *w)
{
    struct stat st;
    char name[32];

    name_of(name, w->address);
    return w->socket != -1 &&
           fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == w->dev && st.st_ino == w->ino;
}

/* Whatever else has our name is in a directory of ours, and not of use. */
static int take_name(struct wake *w, int fd)
{
    struct sockaddr_un sun;
    socklen_t len = name_socket(&sun, w->dir, w->address);
    struct stat st;
    char name[32];

    wake_bury(w, w->address);
    if (bind(fd, (struct sockaddr *)&sun, len) == -1)
        return -1;
    name_of(name, w->address);
    if (fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return -1;
    w->dev = st.st_dev;
    w->ino = st.st_ino;
    return 0;
}

int wake_bind(struct wake *w)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd == -1)
        return -1;
    if (take_name(w, fd) == -1 ||
        epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &ev) == -1) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    if (w->socket != -1)
        close(w->socket);
    w->socket = fd;
    return 0;
}

int wake_init(struct wake *w, int dir)
{
    int error;

    w->dir = dir;
    w->socket = -1;
    w->fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->fd == -1)
        return -1;
    if (getrandom(&w->address, sizeof(w->address), 0) != -1 &&
        wake_bind(w) == 0)
        return 0;
    error = errno;
    close(w->fd);
    w->fd = -1;
    errno = error;
    return -1;
}

void wake_fini(struct wake *w)
{
    if (w->fd == -1)
        return;
    if (w->socket != -1)
        close(w->socket);
    close(w->fd);
    w->fd = w->socket = -1;
    wake_bury(w, w->address);
}

void wake_drain(struct wake *w)
{
    char byte;
    int i;

    for (i = 0; i < DRAIN_MAX; i++)
        if (recv(w->socket, &byte, sizeof(byte), 0) == -1)
            return;
}

void wake_poke(const struct wake *w, uint64_t address)
{
    struct sockaddr_un sun;
    socklen_t len = name_socket(&sun, w->dir, address);

    (void)sendto(w->socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (struct sockaddr *)&sun, len);
}

void wake_bury_dead(const struct wake *w, uint64_t address)
{
    struct sockaddr_un sun;
    socklen_t len = name_socket(&sun, w->dir, address);

    if (sendto(w->socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
               (struct sockaddr *)&sun, len) == -1 &&
        errno == ECONNREFUSED)
        wake_bury(w, address);
}

void wake_bury(const struct wake *w, uint64_t address)
{
    char name[32];

    name_of(name, address);
    (void)unlinkat(w->dir, name, 0);
}
