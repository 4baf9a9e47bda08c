/*
 * file_lock.c - who may write, and who is alive?
 *
 * flock and OFD locks are independent of each other.  The descriptor must be
 * the process' own open(): flock binds to the open file description and a
 * forked copy would share it.  A live mapping keeps the lock after close(),
 * so it is always dropped by hand.
 */
#include "lib/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "lib/boottime.h"

#define SLOT_BASE (INT64_C(1) << 40) /* beyond any size the file can have */
#define TRIES     64 /* with a yield between: some tens of microseconds */

bool file_lock_take(int fd)
{
    int i;

    for (i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false; /* ENOLCK: the kernel is out of memory */
        sched_yield();
    }
    return false;
}

bool file_lock_wait(int fd, int64_t for_ns)
{
    const struct timespec nap = {0, NS_PER_MS};
    int64_t until_ns = boottime_ns() + for_ns;

    while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK || boottime_ns() >= until_ns)
            return false;
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

void file_lock_drop(int fd)
{
    while (flock(fd, LOCK_UN) == -1 && errno == EINTR)
        continue;
}

static int slot_lock(int fd, int cmd, short type, uint32_t seat, uint32_t n,
                     struct flock *fl)
{
    memset(fl, 0, sizeof(*fl)); /* l_pid must be 0 for OFD locks */
    fl->l_type = type;
    fl->l_whence = SEEK_SET;
    fl->l_start = SLOT_BASE + seat;
    fl->l_len = n;
    return fcntl(fd, cmd, fl);
}

bool file_lock_claim_seat(int fd, uint32_t seat)
{
    struct flock fl;

    return slot_lock(fd, F_OFD_SETLK, F_WRLCK, seat, 1, &fl) == 0;
}

void file_lock_leave_seat(int fd, uint32_t seat)
{
    struct flock fl;

    (void)slot_lock(fd, F_OFD_SETLK, F_UNLCK, seat, 1, &fl);
}

static bool is_held(int fd, uint32_t seat, uint32_t n)
{
    struct flock fl;

    if (slot_lock(fd, F_OFD_GETLK, F_WRLCK, seat, n, &fl) == -1)
        return true; /* unknown: better a ghost than a murdered worker */
    return fl.l_type != F_UNLCK;
}

bool file_lock_seat_is_held(int fd, uint32_t seat)
{
    return is_held(fd, seat, 1);
}

bool file_lock_seats_are_held(int fd, uint32_t n)
{
    return is_held(fd, 0, n);
}
