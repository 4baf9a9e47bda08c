/*
 * peek.c - what does the state say to somebody who is not one of its workers?
 *
 * Copies of the files are looked at; nothing is ever written to them.  Whoever
 * holds the lock when it is stopped (Ctrl-Z, a debugger) holds up every worker,
 * so a copy is made without: if nobody wrote before, during and after it, it
 * is as good as one made under the lock.  Only where somebody always writes, or
 * was killed while it did, the lock is taken, and the terminal cannot stop us
 * meanwhile.
 *
 * The two files are two moments, some milliseconds apart.  Of the one that
 * cannot be had nothing is shown, and that is said.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/sigbus.h"
#include "state/file/opening.h"
#include "state/file/repair.h"
#include "state/file/transaction.h"
#include "state/policy/layout.h"
#include "state/stats/stats_file.h"
#include "state/view.h"

#define QUIET_TRIES 100  /* each a millisecond or two, and as long a pause */
#define QUIET_US    1000 /* a turn takes less */
#define LOCK_NS     NS_PER_S /* then nobody will let go */

static_assert(offsetof(struct lay_live, dirty) ==
                      offsetof(struct lay_flag, dirty) &&
                  offsetof(struct lay_live, writes) ==
                      offsetof(struct lay_flag, writes),
              "both files have their flag in the same form");

/* One of the two files. */
struct peek {
    const char *name;
    struct file_kind kind;
    size_t flag_at;            /* a struct lay_flag */
    size_t skip_from, skip_to; /* what no view shows: the less is read, the
                                * sooner it is quiet for so long */
    int fd;                    /* -1: none */
    void *copy;                /* NULL: it cannot be had */
    bool whole;                /* it could be read */
};

static bool read_part(const struct peek *p, size_t from, size_t to)
{
    return pread(p->fd, (char *)p->copy + from, to - from, (off_t)from) ==
           (ssize_t)(to - from);
}

static bool read_all(const struct peek *p)
{
    return read_part(p, 0, p->skip_from) &&
           read_part(p, p->skip_to, p->kind.size);
}

/* False: somebody writes, or did, or it cannot be read. */
static bool is_quiet(const struct peek *p, uint32_t *writes)
{
    struct lay_flag f;

    if (pread(p->fd, &f, sizeof(f), (off_t)p->flag_at) != (ssize_t)sizeof(f) ||
        f.dirty != 0)
        return false;
    *writes = f.writes;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return true;
}

static bool read_quiet(const struct peek *p)
{
    uint32_t before = 0, after = 0;
    int tries;

    for (tries = 0; tries < QUIET_TRIES; tries++) {
        if (is_quiet(p, &before) && read_all(p)) {
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            if (is_quiet(p, &after) && before == after)
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

static void read_with_lock(void *arg)
{
    struct peek *p = arg;

    p->whole = read_all(p);
}

/* LOCK: the state file.  False: nobody lets go. */
static bool read_locked(struct peek *p, int lock)
{
    sigset_t old;
    bool done;

    block_stops(&old);
    done = state_alone(lock, LOCK_NS, read_with_lock, p);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    return done;
}

/* -1: ERR says why not. */
static int read_copy(struct peek *p, int lock, char *err, size_t err_max)
{
    p->whole = read_quiet(p);
    if (!p->whole && !read_locked(p, lock)) {
        snprintf(err, err_max, "%s is locked by a process that does not let go",
                 FILE_NAME);
        return -1;
    }
    if (p->whole && file_head_is_sound(p->copy, &p->kind))
        return 0;
    snprintf(err, err_max, "%s is not of this version of Sluice", p->name);
    return -1;
}

/* Opens and reads it; LOCK -1: it is the state file itself. */
static void take(struct peek *p, const char *dir, int lock, char *err,
                 size_t err_max)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", dir, p->name);
    p->copy = NULL;
    p->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (p->fd == -1) {
        snprintf(err, err_max, "%s: %s%s", path, strerror(errno),
                 errno == ENOENT ? " (is Sluice running? is --state-dir right?)"
                                 : "");
        return;
    }
    p->copy = calloc(1, p->kind.size);
    CHECK(p->copy != NULL);
    if (read_copy(p, lock != -1 ? lock : p->fd, err, err_max) == 0)
        return;
    free(p->copy);
    p->copy = NULL;
}

static void let_go(struct peek *p)
{
    free(p->copy);
    if (p->fd != -1)
        close(p->fd);
}

/* ---- looking ------------------------------------------------------------------ */

struct mending {
    struct layout *lay;
    struct stats_layout *stats;
    int64_t now;
};

static void mend(void *arg)
{
    struct mending *m = arg;

    repair_run(m->lay, m->now);
    m->lay->live.dirty = 0;
}

/* Both, or one; at least one is there. */
static int look(struct mending *m, const char *dir, struct limiter_view *out,
                char *err, size_t err_max)
{
    const struct view_source from = {
        .fd = -1, .lay = m->lay, .stats = m->stats};
    const char *what = NULL;

    if (m->stats != NULL)
        stats_file_repair(m->stats, m->now);
    if (m->lay == NULL) {
        view_of_stats(m->stats, out);
        return 0;
    }
    if (sigbus_run(mend, m, &what) == GUARD_OK &&
        view_collect(&from, m->now, out, &what))
        return 0;
    snprintf(err, err_max, "%s/%s is damaged: %s", dir, FILE_NAME,
             what != NULL ? what : "?");
    return -1;
}

int view_peek(const char *dir, int64_t now, struct limiter_view *out, char *err,
              size_t err_max)
{
    struct peek state = {.name = FILE_NAME,
                         .kind = opening_kind(),
                         .flag_at = offsetof(struct layout, live)};
    struct peek stats = {.name = STATS_NAME,
                         .kind = stats_file_kind(),
                         .flag_at = offsetof(struct stats_layout, live.flag),
                         .skip_from = offsetof(struct stats_layout, history),
                         .skip_to = offsetof(struct stats_layout, board)};
    char other[4600] = "";
    struct mending m;
    int rc = -1;

    err[0] = '\0';
    take(&state, dir, -1, err, err_max);
    take(&stats, dir, state.fd, other, sizeof(other));
    m = (struct mending){state.copy, stats.copy, now};
    if (m.lay != NULL && m.stats == NULL)
        snprintf(err, err_max, "no statistics are shown: %.4000s", other);
    if (m.lay != NULL || m.stats != NULL)
        rc = look(&m, dir, out, err, err_max);
    let_go(&stats);
    let_go(&state);
    return rc;
}
