/*
 * vault.c - is the file there, is it ours, and if not?
 *
 *   history_file.c, trail_file.c --> vault_open()
 *
 * The size never changes.  A file that is not ours, or whose
 * head is damaged, is kept under another name, and a new one takes its place;
 * one that cannot be opened or read may be sound, and is left alone.
 *
 * Workers that end together all write, each what it knows.  Records may come
 * from any of them; but a file is made, or moved out of the way, by one at a
 * time, who holds .history.lock.
 */
#include "state/stats/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"

/* For another's disk; a stopped one is given up. */
#define LOCK_NS (2 * NS_PER_S)

/* ---- the directory, the file ----------------------------------------------- */

static int open_dir(const struct vault *v)
{
    struct stat st;
    int fd;

    if (mkdir(v->dir, 0700) == -1 && errno != EEXIST) {
        snprintf(v->msg, v->msg_max, "data_dir %s: cannot be made: %s", v->dir,
                 strerror(errno));
        return -1;
    }
    fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        snprintf(v->msg, v->msg_max, "data_dir %s: %s", v->dir,
                 strerror(errno));
    } else if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        snprintf(v->msg, v->msg_max,
                 "data_dir %s: must belong to the user that runs Sluice and "
                 "be writable by nobody else",
                 v->dir);
    } else {
        return fd;
    }
    if (fd != -1)
        close(fd);
    return -1;
}

enum found {
    FOUND_OURS = 0,
    FOUND_NONE = 1,
    FOUND_OTHER = 2,   /* not one of ours, or damaged */
    FOUND_UNKNOWN = 3, /* errno says why it cannot be looked at now */
};

/* What is at our name. */
struct look {
    enum found found;
    int fd;          /* of one of ours, else -1 */
    struct stat st;  /* unless there is none */
    const char *why; /* it is not ours */
};

static enum found look_inside(const struct vault_kind *k, struct look *l)
{
    unsigned char have[VAULT_HEAD_MAX];
    ssize_t n;

    l->why = !S_ISREG(l->st.st_mode)     ? "it is no file"
             : l->st.st_uid != geteuid() ? "it belongs to another user"
             : l->st.st_size != k->size  ? "its size is wrong"
                                         : NULL;
    if (l->why != NULL)
        return FOUND_OTHER;
    n = pread(l->fd, have, k->head_size, 0);
    if (n != (ssize_t)k->head_size) {
        errno = n == -1 ? errno : EIO; /* cut, just now */
        return FOUND_UNKNOWN;
    }
    l->why = "its head is damaged or of another version";
    return memcmp(k->head, have, k->head_size) == 0 ? FOUND_OURS : FOUND_OTHER;
}

/* Links, sockets and directories cannot be opened, and cannot be ours. */
static enum found look_outside(const struct vault *v, struct look *l)
{
    int error = errno;

    if (error == ENOENT)
        return FOUND_NONE;
    l->why = "it is no file";
    if (fstatat(v->dir_fd, v->kind->name, &l->st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISREG(l->st.st_mode))
        return FOUND_OTHER;
    errno = error;
    return FOUND_UNKNOWN;
}

static struct look look_at(const struct vault *v, int flags)
{
    struct look l = {.found = FOUND_UNKNOWN};
    int error;

    l.fd = openat(v->dir_fd, v->kind->name,
                  flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (l.fd == -1)
        l.found = look_outside(v, &l);
    else if (fstat(l.fd, &l.st) == 0)
        l.found = look_inside(v->kind, &l);
    if (l.fd == -1 || l.found == FOUND_OURS)
        return l;
    error = errno;
    close(l.fd);
    l.fd = -1;
    errno = error;
    return l;
}

/* Of those that make or move a file only one at a time, until it closes this.
 * A file of its own, for the directory itself may be the state's, too, which
 * attach.c locks. */
bool vault_lock(struct vault *v)
{
    int error;

    if (v->lock != -1)
        return true;
    v->lock = openat(v->dir_fd, VAULT_LOCK_NAME,
                     O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (v->lock == -1 ||
        file_lock_wait(v->lock, min_i64(v->until_ns - boottime_ns(), LOCK_NS)))
        return v->lock != -1;
    error = errno;
    close(v->lock);
    v->lock = -1;
    errno = error;
    return false;
}

/* What L saw gets another name, in place of whatever was kept there before.
 * False: errno says why it is still there. */
static bool set_aside(const struct vault *v, const struct look *l)
{
    const struct vault_kind *k = v->kind;
    struct stat st;

    if (fstatat(v->dir_fd, k->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return false;
    if (boottime_ns() >= v->until_ns || st.st_ino != l->st.st_ino ||
        st.st_dev != l->st.st_dev) {
        errno = ETIMEDOUT; /* another worker is at it */
        return false;
    }
    if (renameat(v->dir_fd, k->name, v->dir_fd, k->aside) == 0)
        return true;
    /* A file is in a directory's way, or the other way round. */
    if (unlinkat(v->dir_fd, k->aside, 0) == -1)
        (void)unlinkat(v->dir_fd, k->aside, AT_REMOVEDIR);
    return renameat(v->dir_fd, k->name, v->dir_fd, k->aside) == 0;
}

enum vault_result vault_fail(const struct vault *v, const char *doing)
{
    snprintf(v->msg, v->msg_max, "%s/%s: %s%s", v->dir, v->kind->name, doing,
             errno != 0 ? strerror(errno) : "a short write");
    return VAULT_FAILED;
}

static int fill(const struct vault_kind *k, int fd)
{
    int err = k->sparse ? 0 : posix_fallocate(fd, 0, k->size);

    if (k->sparse && ftruncate(fd, k->size) == -1)
        err = errno;
    if (err != 0)
        return err;
    errno = 0;
    if (pwrite(fd, k->head, k->head_size, 0) != (ssize_t)k->head_size ||
        fsync(fd) == -1)
        return errno != 0 ? errno : EIO;
    return 0;
}

/* Whole under another name first: there is never half a file.  Needs the
 * lock. */
static int make(const struct vault *v)
{
    const struct vault_kind *k = v->kind;
    int fd, err;

    (void)unlinkat(v->dir_fd, k->temp, 0);
    fd = openat(v->dir_fd, k->temp,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return -1;
    err = fill(k, fd);
    if (err == 0 && (renameat(v->dir_fd, k->temp, v->dir_fd, k->name) == -1 ||
                     fsync(v->dir_fd) == -1))
        err = errno;
    if (err == 0)
        return fd;
    (void)unlinkat(v->dir_fd, k->temp, 0);
    close(fd);
    errno = err;
    return -1;
}

/* Nothing is lost unless it is no history. */
static enum vault_result find(struct vault *v, int flags)
{
    struct look l = look_at(v, flags);

    if (l.found == FOUND_OTHER || (l.found == FOUND_NONE && flags == O_RDWR)) {
        if (!vault_lock(v))
            return vault_fail(v, VAULT_LOCK_NAME " cannot be had: ");
        l = look_at(v, flags); /* another one was first */
    }
    v->fd = l.fd;
    switch (l.found) {
    case FOUND_OURS:
        return VAULT_OK;
    case FOUND_NONE:
        return VAULT_NEW;
    case FOUND_UNKNOWN:
        return vault_fail(v, "");
    case FOUND_OTHER:
        break;
    }
    if (!set_aside(v, &l))
        return vault_fail(v, "cannot be moved out of the way: ");
    snprintf(v->msg, v->msg_max, "%s/%s: %s; it is kept as %s", v->dir,
             v->kind->name, l.why, v->kind->aside);
    return VAULT_ASIDE;
}

enum vault_result vault_open(struct vault *v, int flags)
{
    enum vault_result res;

    CHECK(v->kind->head_size <= VAULT_HEAD_MAX);
    v->fd = v->lock = -1;
    v->dir_fd = open_dir(v);
    if (v->dir_fd == -1)
        return VAULT_FAILED;
    res = find(v, flags);
    if (res != VAULT_NEW || flags != O_RDWR)
        return res;
    v->fd = make(v);
    return v->fd != -1 ? VAULT_NEW : vault_fail(v, "");
}

void vault_close(struct vault *v)
{
    if (v->fd != -1)
        close(v->fd);
    if (v->lock != -1)
        close(v->lock);
    if (v->dir_fd != -1)
        close(v->dir_fd);
    v->fd = v->lock = v->dir_fd = -1;
}

bool vault_get(int fd, void *to, size_t n, off_t at)
{
    ssize_t got = pread(fd, to, n, at);

    if (got != (ssize_t)n)
        errno = got == -1 ? errno : EIO;
    return got == (ssize_t)n;
}

bool vault_put(const struct vault *v, const void *data, size_t n, off_t at)
{
    errno = 0; /* a short write sets none */
    if (boottime_ns() >= v->until_ns) {
        errno = ETIMEDOUT;
        return false;
    }
    return pwrite(v->fd, data, n, at) == (ssize_t)n;
}
