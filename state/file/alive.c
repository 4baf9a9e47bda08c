/*
 * alive.c - does anybody live who knows of sends that our file does not?
 *
 * The lock on the state directory says who lives there (attach.c).  But that
 * directory may be moved, or removed and made again: whoever starts then is
 * alone in it, while others still send by the file they had.  So every worker
 * holds a shared lock on a file in the data directory as well.  Only what was
 * said counts: without a data directory that can be written to, or shared
 * with the state's, there is nothing to be known.
 */
#include "state/file/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A process that ends lets go of its descriptors one after the other. */
#define TRIES   60
#define NAP_NS  (5 * NS_PER_MS)
#define FOREIGN (S_IWGRP | S_IWOTH)

static bool is_ours(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && st->st_uid == geteuid() &&
           (st->st_mode & FOREIGN) == 0;
}

/* -1: there is none that is ours alone, or it is the state's. */
static int open_dir(const char *path, int state_dir)
{
    struct stat here, state;
    int dir;

    (void)mkdir(path, 0700);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir == -1)
        return -1;
    if (is_ours(dir, &here) && fstat(state_dir, &state) == 0 &&
        (here.st_dev != state.st_dev || here.st_ino != state.st_ino))
        return dir;
    close(dir);
    return -1;
}

/* Who may only read can lock as well, once somebody has made the file. */
static int open_file(int dir)
{
    const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(dir, ALIVE_NAME, O_RDWR | O_CREAT | flags, 0600);
    struct stat st;

    if (fd == -1)
        fd = openat(dir, ALIVE_NAME, O_RDONLY | flags);
    if (fd == -1 || (is_ours(fd, &st) && S_ISREG(st.st_mode)))
        return fd;
    close(fd);
    return -1;
}

/* 0, or why it cannot be had: EWOULDBLOCK, somebody keeps it. */
static int take(int fd, int how)
{
    const struct timespec nap = {0, NAP_NS};
    int i, error = 0;

    for (i = 0; i < TRIES; i++) {
        if (flock(fd, how | LOCK_NB) == 0)
            return 0;
        error = errno;
        if (error != EWOULDBLOCK && error != EINTR)
            return error;
        (void)nanosleep(&nap, NULL);
    }
    return error;
}

int alive_open(const char *data_dir, int state_dir, bool *others)
{
    int dir = data_dir != NULL ? open_dir(data_dir, state_dir) : -1, fd;

    if (dir == -1)
        return -1;
    fd = open_file(dir);
    close(dir);
    if (fd == -1)
        return -1;
    if (others != NULL)
        *others = take(fd, LOCK_EX) == EWOULDBLOCK;
    if (take(fd, LOCK_SH) == 0)
        return fd;
    close(fd);
    return -1;
}
