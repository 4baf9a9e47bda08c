/*
 * peek.c - what does the state say to somebody who is not one of its workers?
 *
 * A copy of the file is looked at; nothing is ever written to it.  Whoever
 * holds the lock when it is stopped (Ctrl-Z, a debugger) holds up every worker,
 * so the copy is made without: if nobody wrote before, during and after it, it
 * is as good as one made under the lock.  Only where somebody always writes, or
 * was killed while it did, the lock is taken, and the terminal cannot stop us
 * meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/file/state_file.h"
#include "state/policy/layout.h"
#include "state/view.h"

#define QUIET_TRIES 100  /* each a millisecond or two, and as long a pause */
#define QUIET_US    1000 /* a turn takes less */
#define LOCK_TRIES  200
#define LOCK_US     5000

static bool read_part(int fd, struct layout *copy, size_t from, size_t to)
{
    ssize_t n = pread(fd, (char *)copy + from, to - from, (off_t)from);

    return n == (ssize_t)(to - from);
}

/* All but the history, which no view shows: the less, the sooner it is quiet
 * for so long. */
static bool read_all(int fd, struct layout *copy)
{
    return read_part(fd, copy, 0, offsetof(struct layout, history)) &&
           read_part(fd, copy, offsetof(struct layout, board), sizeof(*copy));
}

/* False: somebody writes, or did, or it cannot be read. */
static bool is_quiet(int fd, uint32_t *writes)
{
    struct lay_live l;

    if (pread(fd, &l, sizeof(l), (off_t)offsetof(struct layout, live)) !=
            (ssize_t)sizeof(l) ||
        l.dirty != 0)
        return false;
    *writes = l.writes;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return true;
}

static bool read_quiet(int fd, struct layout *copy)
{
    uint32_t before = 0, after = 0;
    int tries;

    for (tries = 0; tries < QUIET_TRIES; tries++) {
        if (is_quiet(fd, &before) && read_all(fd, copy)) {
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            if (is_quiet(fd, &after) && before == after)
                return true;
        }
        usleep(QUIET_US);
    }
    return false;
}

/* What the keyboard or a terminal of others' can do to us. */
static void block_stops(sigset_t *old)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGTTIN);
    sigaddset(&set, SIGTTOU);
    CHECK(sigprocmask(SIG_BLOCK, &set, old) == 0);
}

/* False: nobody lets go.  *WHOLE: it could be read. */
static bool read_locked(int fd, struct layout *copy, bool *whole)
{
    sigset_t old;
    int tries;

    block_stops(&old);
    for (tries = 0; tries < LOCK_TRIES && !file_lock_take(fd); tries++)
        usleep(LOCK_US);
    if (tries < LOCK_TRIES) {
        *whole = read_all(fd, copy);
        file_lock_drop(fd);
    }
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    return tries < LOCK_TRIES;
}

static int read_copy(int fd, struct layout *copy, char *err, size_t err_max)
{
    bool whole = read_quiet(fd, copy);

    if (!whole && !read_locked(fd, copy, &whole)) {
        snprintf(err, err_max, "%s is locked by a process that does not let go",
                 FILE_NAME);
        return -1;
    }
    if (!whole || !file_head_is_sound(copy)) {
        snprintf(err, err_max, "%s is not of this version of Sluice",
                 FILE_NAME);
        return -1;
    }
    return 0;
}

struct mending {
    struct layout *lay;
    int64_t now;
};

static void mend(void *arg)
{
    struct mending *m = arg;

    repair_run(m->lay, m->now);
}

int view_peek(const char *dir, int64_t now, struct limiter_view *out, char *err,
              size_t err_max)
{
    struct mending m = {NULL, now};
    const char *what = NULL;
    char path[4096];
    int fd, rc = -1;

    snprintf(path, sizeof(path), "%s/%s", dir, FILE_NAME);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        snprintf(err, err_max, "%s: %s%s", path, strerror(errno),
                 errno == ENOENT ? " (is Sluice running? is --state-dir right?)"
                                 : "");
        return -1;
    }
    m.lay = calloc(1, sizeof(*m.lay));
    CHECK(m.lay != NULL);
    if (read_copy(fd, m.lay, err, err_max) == 0) {
        if (sigbus_run(mend, &m, &what) == GUARD_OK &&
            view_collect(-1, m.lay, now, out, &what))
            rc = 0;
        else
            snprintf(err, err_max, "%s is damaged: %s", path,
                     what != NULL ? what : "?");
    }
    free(m.lay);
    close(fd);
    return rc;
}
