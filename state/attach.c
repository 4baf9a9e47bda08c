/*
 * attach.c - is the file we hold the one that all use, and if not, which is?
 *
 * A worker looks at the path at least once a second, and never grants from a
 * file that it saw at its place longer ago than that (limiter.c, begin()).
 * What it finds lost it drops at once, with all that hangs on it, and takes
 * what state_file.c finds or makes instead; its tickets move over (ticket_ops.c).
 *
 * The directory may be moved, or removed and made again; whoever starts later
 * takes the one at the path, so that one is the right one for all.  Its file
 * knows nothing of our sends, so we tell it that its windows are full.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "state/attach.h"
#include "state/file/alive.h"
#include "state/file/state_dir.h"
#include "state/journal.h"
#include "state/say.h"
#include "state/ticket_ops.h"
#include "state/worker.h"

#define START_NAME ".start.lock"    /* in the state directory */
#define START_NS   (3 * NS_PER_S)   /* for one to start, as in stay() */
#define LOST_NS    (50 * NS_PER_MS) /* next try at a file that failed */
#define STATS_NS   (5 * NS_PER_S)   /* the same for statistics */

void attach_lose(struct limiter *lim, const char *why, bool damaged)
{
    limiter_say(lim, "state_lost", "%s: %s", FILE_NAME, why);
    if (damaged) {
        if (lim->bad_ns != 0 && lim->now - lim->bad_ns < NS_PER_S)
            lim->retry_ns = lim->now + LOST_NS; /* twice: not in a circle */
        lim->bad_ns = lim->now;
    }
    file_close(&lim->file);
    lim->seat = NONE;
    lim->unsettled = true;
    ticket_ops_unbind(lim);
    journal_unbind(lim);
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

/*
 * Is the directory we hold the one at the path?  If there is none, one is made:
 * where we cannot, nobody else can start in another, and we stay.
 */
static bool is_home(const struct limiter *lim)
{
    struct stat held, here;

    if (fstat(lim->dir, &held) == -1 || held.st_nlink == 0)
        return false;
    if (lstat(lim->path, &here) == 0)
        return here.st_dev == held.st_dev && here.st_ino == held.st_ino;
    if (errno != ENOENT && errno != ENOTDIR)
        return true; /* it cannot be looked at, by anybody who is like us */
    return mkdir(lim->path, 0700) == -1;
}

/* Takes the directory at the path.  False: NOTE says why it cannot be had. */
static bool go_home(struct limiter *lim, char *note, size_t note_max)
{
    int dir;

    if (is_home(lim))
        return true;
    dir = file_open_dir(lim->path, note, note_max);
    if (dir == -1)
        return false;
    if (lock_dir(dir, LOCK_SH) != 0) { /* unseen we must not work: later */
        snprintf(note, note_max, "state_dir %s is locked by another process",
                 lim->path);
        close(dir);
        return false;
    }
    close(lim->dir);
    lim->dir = lim->wake.dir = dir;
    lim->elsewhere = true;
    return true;
}

/* Without a socket all is right but late: others cannot say that it is our
 * turn.  It keeps its number, so the table of workers need not be told. */
static void keep_socket(struct limiter *lim)
{
    int error;

    if (wake_is_named(&lim->wake))
        return;
    error = wake_bind(&lim->wake) == -1 ? errno : 0;
    if (error == 0)
        limiter_say(lim, "wake_lost",
                    "this worker's socket in state_dir was gone and was made "
                    "anew");
    else if (!lim->deaf)
        limiter_say(lim, "wake_lost",
                    "state_dir %s: this worker's socket is gone and cannot be "
                    "made: %s; it waits up to a second for each turn",
                    lim->path, strerror(error));
    lim->deaf = error != 0;
}

/* ---- statistics ----------------------------------------------------------- */

/* Are ours the ones that all see?  If none can be had, we keep our own: no
 * request waits for statistics. */
static void keep_stats(struct limiter *lim)
{
    char note[256] = "";
    const struct stats_open o = {.dir = lim->dir,
                                 .lock_fd = lim->file.fd,
                                 .starting = lim->starting,
                                 .recoveries = lim->recoveries,
                                 .note = note,
                                 .note_max = sizeof(note)};

    if (stats_file_is_current(&lim->stats, lim->dir) ||
        lim->now < lim->stats_retry_ns)
        return;
    if (stats_file_attach(&lim->stats, &o)) {
        lim->stats_alone = false;
        if (note[0] != '\0')
            limiter_say(lim, "stats_replaced", "%s", note);
        return;
    }
    lim->stats_retry_ns = lim->now + STATS_NS;
    if (lim->stats.shared) /* others of our version have it, too */
        return;
    if (lim->stats.lay == NULL)
        stats_file_alone(&lim->stats, lim->recoveries);
    if (!lim->stats_alone)
        limiter_say(lim, "stats_unavailable",
                    "%s; this worker keeps its own until it ends", note);
    lim->stats_alone = true;
}

void attach_look_at_stats(struct limiter *lim)
{
    if (!lim->stats_bad)
        return;
    lim->stats_bad = false;
    if (lim->stats_bad_ns != 0 && lim->now - lim->stats_bad_ns < NS_PER_S)
        lim->stats_retry_ns = lim->now + STATS_NS; /* not in a circle */
    lim->stats_bad_ns = lim->now;
    limiter_say(lim, "stats_lost", STATS_NAME ": %s", lim->stats_damage);
    stats_file_alone(&lim->stats, lim->recoveries);
    keep_stats(lim);
}

static enum file_result attach(struct limiter *lim, bool cold, char *note,
                               size_t note_max)
{
    bool recovered = false;
    struct file_open o = {
        .dir = lim->dir,
        .cold = cold,
        .elsewhere = lim->elsewhere,
        .now = lim->now,
        .had_created_ns = lim->had_created_ns,
        .service_start_ns = lim->service_start_ns,
        .secret = lim->secret,
        .recovered = &recovered,
        .note = note,
        .note_max = note_max,
    };
    enum file_result res = file_attach(&lim->file, &o);

    lim->journal.did.recoveries += recovered;
    if (res == FILE_BUSY && note[0] == '\0')
        snprintf(note, note_max, "%s is locked by another process", FILE_NAME);
    if (res != FILE_OK)
        return res;
    lim->elsewhere = false;
    lim->checked_ns = lim->now;
    lim->secret = lim->file.head.secret;
    lim->had_created_ns = lim->file.head.created_ns;
    if (note[0] != '\0')
        limiter_say(lim, "state_replaced", "%s", note);
    keep_stats(lim);
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
    if (!is_home(lim)) {
        attach_lose(lim, "its directory was moved, removed or replaced", false);
        return false;
    }
    keep_socket(lim);
    if (fstat(lim->file.fd, &st) == 0 &&
        st.st_size == (off_t)sizeof(struct layout) &&
        file_is_current(&lim->file, lim->dir)) {
        keep_stats(lim);
        return true;
    }
    attach_lose(lim, "removed, replaced or cut short", false);
    return false;
}

bool attach_is_in_place(const struct limiter *lim)
{
    struct stat held, here;

    if (!file_is_current(&lim->file, lim->dir) || fstat(lim->dir, &held) == -1)
        return false;
    /* Where it leads to nothing, nobody has started yet; and if it cannot be
     * looked at, nobody can: see is_home(). */
    return lstat(lim->path, &here) == -1 ||
           (here.st_dev == held.st_dev && here.st_ino == held.st_ino);
}

bool attach_check(struct limiter *lim)
{
    char note[256] = "";

    if (is_current(lim))
        return true;
    if (lim->now < lim->retry_ns)
        return false;
    if (go_home(lim, note, sizeof(note)) &&
        attach(lim, false, note, sizeof(note)) == FILE_OK) {
        keep_socket(lim);
        return true;
    }
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
 * nobody's, unless somebody lives who had another directory by this name. */
static int enter(struct limiter *lim, const char *data_dir, bool *cold)
{
    int error = lock_dir(lim->dir, LOCK_EX);

    *cold = error == 0;
    lim->alive = alive_open(data_dir, lim->dir, *cold ? &lim->elsewhere : NULL);
    return error == EWOULDBLOCK ? stay(lim->dir) : error;
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
    return res == FILE_OK; /* else ERR says who has it, or what is wrong */
}

/*
 * One starts at a time, until the descriptor is closed.  Whoever is first asks
 * who else lives before it says so itself, and holds no lock for a moment while
 * that on the directory changes: who started in between would be taken for, or
 * take it for, somebody that sends by another file.  -1: there is no such lock;
 * who cannot have it in time goes on without it.
 */
static int take_turn(int dir)
{
    int fd =
        openat(dir, START_NAME,
               O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd != -1 && !file_lock_wait(fd, START_NS)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool start(struct limiter *lim, const char *data_dir, char *err,
                  size_t err_max)
{
    bool cold = false;
    int error;

    error = enter(lim, data_dir, &cold);
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

bool attach_first(struct limiter *lim, const char *data_dir, char *err,
                  size_t err_max)
{
    bool started;
    int turn;

    lim->dir = file_open_dir(lim->path, err, err_max);
    if (lim->dir == -1)
        return false;
    turn = take_turn(lim->dir);
    started = start(lim, data_dir, err, err_max);
    if (turn != -1)
        close(turn);
    return started;
}
