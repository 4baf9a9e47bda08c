/*
 * attach.c - is the file we hold the one that all use, and if not, which is?
 *
 * A worker looks at the path at least once a second, and never grants from a
 * file that it saw at its place longer ago than that (limiter.c, begin()).
 * What it finds lost it drops at once, with all that hangs on it, and takes
 * what file.c finds or makes instead; its tickets move over (wishes.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boottime.h"
#include "worker.h"

#define LOST_NS (50 * NS_PER_MS) /* next try at a file that failed */

void attach_lose(struct limiter *lim, const char *why, bool damaged)
{
    limiter_say(lim, "state_lost", "%s: %s", FILE_NAME, why);
    if (damaged) {
        if (lim->bad_ns != 0 && lim->now - lim->bad_ns < NS_PER_S)
            lim->retry_ns = lim->now + LOST_NS; /* twice: not in a circle */
        lim->bad_ns = lim->now;
    }
    file_close(&lim->file);
    lim->slot = NONE;
    lim->unsettled = true;
    wishes_unbind(lim);
}

/* 0, EWOULDBLOCK, or why it cannot be had at all: ENOLCK, say. */
static int lock_dir(int dir, int how)
{
    int rc;

    do
        rc = flock(dir, how | LOCK_NB);
    while (rc == -1 && errno == EINTR);
    return rc == 0 ? 0 : errno;
}

/* The whole directory may have been removed and made anew. */
static void reopen_dir(struct limiter *lim, char *note, size_t note_max)
{
    struct stat st;
    int dir;

    if (fstat(lim->dir, &st) == 0 && st.st_nlink > 0)
        return;
    dir = file_open_dir(lim->path, note, note_max);
    if (dir == -1)
        return;
    if (lock_dir(dir, LOCK_SH) != 0) { /* unseen we must not work: later */
        close(dir);
        return;
    }
    close(lim->dir);
    lim->dir = lim->wake.dir = dir;
}

static enum file_result attach(struct limiter *lim, bool cold, char *note,
                               size_t note_max)
{
    struct file_open o = {
        .dir = lim->dir,
        .cold = cold,
        .now = lim->now,
        .had_created_ns = lim->had_created_ns,
        .service_start_ns = lim->service_start_ns,
        .recoveries = lim->recoveries,
        .secret = lim->secret,
        .note = note,
        .note_max = note_max,
    };
    enum file_result res = file_attach(&lim->file, &o);

    if (res == FILE_BUSY)
        snprintf(note, note_max, "%s is locked by another process", FILE_NAME);
    if (res != FILE_OK)
        return res;
    lim->checked_ns = lim->now;
    lim->secret = lim->file.head.secret;
    lim->had_created_ns = lim->file.head.created_ns;
    if (note[0] != '\0')
        limiter_say(lim, "state_replaced", "%s", note);
    return FILE_OK;
}

/*
 * Is the file we hold still the one to use?  What our workers replace is marked
 * so in the file itself, and a page that is cut off raises SIGBUS; only what
 * strangers do to the path has to be looked for, and once a second is enough:
 * a new file takes everything as unknown until a second after its making.
 */
static bool is_current(struct limiter *lim)
{
    struct stat st;

    if (lim->file.fd == -1)
        return false;
    if (!lim->late && lim->now - lim->checked_ns < TICK_NS)
        return true;
    lim->late = false;
    lim->checked_ns = max_i64(lim->now, boottime_ns());
    if (fstat(lim->file.fd, &st) == 0 &&
        st.st_size == (off_t)sizeof(struct layout) &&
        file_is_current(&lim->file, lim->dir))
        return true;
    attach_lose(lim, "removed, replaced or cut short", false);
    return false;
}

bool attach_check(struct limiter *lim)
{
    char note[256] = "";

    if (is_current(lim))
        return true;
    if (lim->now < lim->retry_ns)
        return false;
    reopen_dir(lim, note, sizeof(note));
    if (attach(lim, false, note, sizeof(note)) == FILE_OK)
        return true;
    if (lim->trouble_ns == NEVER)
        limiter_say(lim, "state_unavailable", "%s", note);
    lim->retry_ns = lim->now + LOST_NS;
    return false;
}

/* ---- at the start --------------------------------------------------------- */

static void nap(void)
{
    struct timespec pause = {0, 5 * NS_PER_MS};

    nanosleep(&pause, NULL);
}

/* A shared lock on the directory says "a worker lives here".  EWOULDBLOCK:
 * another process keeps it to itself for more than three seconds. */
static int stay(int dir)
{
    int i, error = EWOULDBLOCK;

    for (i = 0; i < 600; i++) { /* the first one is making the file */
        error = lock_dir(dir, LOCK_SH);
        if (error != EWOULDBLOCK)
            return error;
        nap();
    }
    return error;
}

/* Whoever can have the directory alone is the first: what it finds is
 * nobody's. */
static int enter(int dir, bool *cold)
{
    int error = lock_dir(dir, LOCK_EX);

    *cold = error == 0;
    return error == EWOULDBLOCK ? stay(dir) : error;
}

static void explain_lock(const struct limiter *lim, int error, char *err,
                         size_t err_max)
{
    if (error == EWOULDBLOCK)
        snprintf(err, err_max, "state_dir %s: another process keeps it locked",
                 lim->path);
    else
        snprintf(err, err_max, "state_dir %s: flock: %s", lim->path,
                 strerror(error));
}

/* At the start only, the lock is waited for: nothing else is going on. */
static bool attach_patiently(struct limiter *lim, bool cold, char *err,
                             size_t err_max)
{
    enum file_result res = FILE_BUSY;
    int i;

    for (i = 0; i < 400 && res == FILE_BUSY; i++) {
        res = attach(lim, cold, err, err_max);
        if (res == FILE_BUSY)
            nap();
    }
    if (res == FILE_BUSY)
        snprintf(err, err_max,
                 "%s is locked by another process that does not let go",
                 FILE_NAME);
    return res == FILE_OK;
}

bool attach_first(struct limiter *lim, char *err, size_t err_max)
{
    bool cold = false;
    int error;

    lim->dir = file_open_dir(lim->path, err, err_max);
    if (lim->dir == -1)
        return false;
    error = enter(lim->dir, &cold);
    if (error != 0) {
        explain_lock(lim, error, err, err_max);
        return false;
    }
    if (cold)
        file_clean_dir(lim->dir);
    if (!attach_patiently(lim, cold, err, err_max))
        return false;
    /* Changing a lock lets it go for a moment, in which another may clean the
     * directory: so the socket is made after it. */
    error = cold ? stay(lim->dir) : 0;
    if (error != 0) {
        explain_lock(lim, error, err, err_max);
        return false;
    }
    if (wake_init(&lim->wake, lim->dir) == -1) {
        snprintf(err, err_max, "state_dir %s: no socket can be made: %s",
                 lim->path, strerror(errno));
        return false;
    }
    return true;
}
