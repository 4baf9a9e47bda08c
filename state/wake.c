/*
 * wake.c - how does a worker tell another that its turn has come?
 *
 * A UNIX datagram socket for each worker, named by a random number in the
 * state directory.  A full queue means that the receiver has been told
 * already; a dead receiver refuses.  Both are fine.
 */
#include "wake.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
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

int wake_init(struct wake *w, int dir)
{
    struct sockaddr_un sun;
    socklen_t len;

    w->dir = dir;
    w->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd == -1)
        return -1;
    if (getrandom(&w->address, sizeof(w->address), 0) == -1)
        goto fail;
    len = name_socket(&sun, dir, w->address);
    if (bind(w->fd, (struct sockaddr *)&sun, len) == -1)
        goto fail;
    return 0;
fail:
    close(w->fd);
    w->fd = -1;
    return -1;
}

void wake_fini(struct wake *w)
{
    if (w->fd == -1)
        return;
    close(w->fd);
    w->fd = -1;
    wake_bury(w, w->address);
}

void wake_drain(struct wake *w)
{
    char byte;
    int i;

    for (i = 0; i < DRAIN_MAX; i++)
        if (recv(w->fd, &byte, sizeof(byte), 0) == -1)
            return;
}

void wake_poke(const struct wake *w, uint64_t address)
{
    struct sockaddr_un sun;
    socklen_t len = name_socket(&sun, w->dir, address);

    (void)sendto(w->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (struct sockaddr *)&sun, len);
}

void wake_bury(const struct wake *w, uint64_t address)
{
    char name[32];

    snprintf(name, sizeof(name), NAME_FORMAT, address);
    (void)unlinkat(w->dir, name, 0);
}
