/*
 * history_file.c - what does the disk know of the past?
 *
 *   0      head     magic, version, sizes, checksum; padded to a record
 *   248    records  place i at 248 * (i + 1): a moment and its checksum
 *
 * The size never changes.  A record that was torn, by a crash or a full disk,
 * fails its checksum and counts as not kept.  A file that is not ours, or whose
 * head is damaged, is kept under another name, and a new one takes its place;
 * one that cannot be opened or read may be sound, and is left alone.  The
 * checksum covers the place, so a record that was copied elsewhere is none
 * either.  It guards against accidents: whoever may write here can also write a
 * true one, and then moves a curve in a chart.
 *
 * Workers that end together all write, each what it knows.  Records may come
 * from any of them; but a file is made, or moved out of the way, by one at a
 * time, who holds .history.lock.
 */
#include "state/stats/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"

#define VERSION 1
#define BATCH   256 /* records written at once: 64 KB */

/* For another's disk; a stopped one is given up. */
#define LOCK_NS (2 * NS_PER_S)

struct vault_record {
    struct lay_moment moment;
    uint64_t checksum;
};

struct vault_head {
    char magic[8];
    uint32_t version, record;
    uint32_t n[HISTORY_RINGS];
    uint32_t pad;
    uint64_t checksum;
};

#define VAULT_SIZE ((off_t)(sizeof(struct vault_record) * (HISTORY_ALL + 1)))

/* FNV-1a, 64 bits. */
static uint64_t sum(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;

    while (len-- > 0)
        h = (h ^ *p++) * UINT64_C(1099511628211);
    return h;
}

static uint64_t record_sum(const struct lay_moment *m, uint32_t place)
{
    uint64_t h = sum(UINT64_C(14695981039346656037), &place, sizeof(place));

    return sum(h, m, sizeof(*m));
}

static void head_init(struct vault_head *h)
{
    uint32_t i;

    memset(h, 0, sizeof(*h));
    memcpy(h->magic, "SLUICEH\n", sizeof(h->magic));
    h->version = VERSION;
    h->record = sizeof(struct vault_record);
    for (i = 0; i < HISTORY_RINGS; i++)
        h->n[i] = history_rings[i].n;
    h->checksum = sum(0, h, offsetof(struct vault_head, checksum));
}

/* ---- the directory, the file ----------------------------------------------- */

static int open_dir(const char *dir, char *msg, size_t max)
{
    struct stat st;
    int fd;

    if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
        snprintf(msg, max, "data_dir %s: cannot be made: %s", dir,
                 strerror(errno));
        return -1;
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        snprintf(msg, max, "data_dir %s: %s", dir, strerror(errno));
    } else if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        snprintf(msg, max,
                 "data_dir %s: must belong to the user that runs Sluice and "
                 "be writable by nobody else",
                 dir);
    } else {
        return fd;
    }
    if (fd != -1)
        close(fd);
    return -1;
}

static void close_all(int dir, int lock)
{
    if (lock != -1)
        close(lock);
    close(dir);
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

static enum found look_inside(struct look *l)
{
    struct vault_head want, have;
    ssize_t n;

    l->why = !S_ISREG(l->st.st_mode)       ? "it is no file"
             : l->st.st_uid != geteuid()   ? "it belongs to another user"
             : l->st.st_size != VAULT_SIZE ? "its size is wrong"
                                           : NULL;
    if (l->why != NULL)
        return FOUND_OTHER;
    n = pread(l->fd, &have, sizeof(have), 0);
    if (n != (ssize_t)sizeof(have)) {
        errno = n == -1 ? errno : EIO; /* cut, just now */
        return FOUND_UNKNOWN;
    }
    head_init(&want);
    l->why = "its head is damaged or of another version";
    return memcmp(&want, &have, sizeof(want)) == 0 ? FOUND_OURS : FOUND_OTHER;
}

/* Links, sockets and directories cannot be opened, and cannot be ours. */
static enum found look_outside(int dir, struct look *l)
{
    int error = errno;

    if (error == ENOENT)
        return FOUND_NONE;
    l->why = "it is no file";
    if (fstatat(dir, VAULT_NAME, &l->st, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISREG(l->st.st_mode))
        return FOUND_OTHER;
    errno = error;
    return FOUND_UNKNOWN;
}

static struct look look_at(int dir, int flags)
{
    struct look l = {.found = FOUND_UNKNOWN};
    int error;

    l.fd = openat(dir, VAULT_NAME, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (l.fd == -1)
        l.found = look_outside(dir, &l);
    else if (fstat(l.fd, &l.st) == 0)
        l.found = look_inside(&l);
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
 * attach.c locks.  -1: errno says why not. */
static int lock_dir(int dir, int64_t until_ns)
{
    int error, fd = openat(dir, VAULT_LOCK_NAME,
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd == -1 ||
        file_lock_wait(fd, min_i64(until_ns - boottime_ns(), LOCK_NS)))
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* What L saw gets another name, in place of whatever was kept there before.
 * False: errno says why it is still there. */
static bool set_aside(int dir, const struct look *l, int64_t until_ns)
{
    struct stat st;

    if (fstatat(dir, VAULT_NAME, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return false;
    if (boottime_ns() >= until_ns || st.st_ino != l->st.st_ino ||
        st.st_dev != l->st.st_dev) {
        errno = ETIMEDOUT; /* another worker is at it */
        return false;
    }
    if (renameat(dir, VAULT_NAME, dir, VAULT_ASIDE_NAME) == 0)
        return true;
    /* A file is in a directory's way, or the other way round. */
    if (unlinkat(dir, VAULT_ASIDE_NAME, 0) == -1)
        (void)unlinkat(dir, VAULT_ASIDE_NAME, AT_REMOVEDIR);
    return renameat(dir, VAULT_NAME, dir, VAULT_ASIDE_NAME) == 0;
}

static enum history_file_result fail(const char *dir, const char *doing,
                                     char *msg, size_t max)
{
    snprintf(msg, max, "%s/" VAULT_NAME ": %s%s", dir, doing,
             errno != 0 ? strerror(errno) : "a short write");
    return VAULT_FAILED;
}

/* Nothing is lost unless it is no history: VAULT_OK with an open file,
 * VAULT_NEW or VAULT_ASIDE without any, or VAULT_FAILED.  Where there is none
 * of ours *LOCK is held, the caller's to close. */
static enum history_file_result find(const char *dir, int dir_fd, int flags,
                                     int64_t until_ns, int *fd, int *lock,
                                     char *msg, size_t max)
{
    struct look l = look_at(dir_fd, flags);

    *fd = *lock = -1;
    if (l.found == FOUND_OTHER || (l.found == FOUND_NONE && flags == O_RDWR)) {
        *lock = lock_dir(dir_fd, until_ns);
        if (*lock == -1)
            return fail(dir, VAULT_LOCK_NAME " cannot be had: ", msg, max);
        l = look_at(dir_fd, flags); /* another one was first */
    }
    *fd = l.fd;
    switch (l.found) {
    case FOUND_OURS:
        return VAULT_OK;
    case FOUND_NONE:
        return VAULT_NEW;
    case FOUND_UNKNOWN:
        return fail(dir, "", msg, max);
    case FOUND_OTHER:
        break;
    }
    if (!set_aside(dir_fd, &l, until_ns))
        return fail(dir, "cannot be moved out of the way: ", msg, max);
    snprintf(msg, max, "%s/" VAULT_NAME ": %s; it is kept as " VAULT_ASIDE_NAME,
             dir, l.why);
    return VAULT_ASIDE;
}

/* Whole under another name first: there is never half a file.  Needs the
 * lock. */
static int make(int dir)
{
    const char *temp = "." VAULT_NAME ".new";
    struct vault_head head;
    int fd, err;

    head_init(&head);
    (void)unlinkat(dir, temp, 0);
    fd = openat(dir, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
    if (fd == -1)
        return -1;
    err = posix_fallocate(fd, 0, VAULT_SIZE);
    if (err == 0 &&
        (pwrite(fd, &head, sizeof(head), 0) != sizeof(head) ||
         fsync(fd) == -1 || renameat(dir, temp, dir, VAULT_NAME) == -1 ||
         fsync(dir) == -1))
        err = errno != 0 ? errno : EIO;
    if (err == 0)
        return fd;
    (void)unlinkat(dir, temp, 0);
    close(fd);
    errno = err;
    return -1;
}

/* ---- reading ------------------------------------------------------------------ */

/* Up to BATCH records from PLACE on.  How many there were; 0: errno says why
 * they cannot be read. */
static uint32_t read_batch(int fd, uint32_t place, struct vault_record *to)
{
    size_t size = sizeof(*to);
    ssize_t n = pread(fd, to, BATCH * size, (off_t)((place + 1) * size));

    if (n >= 0 && n < (ssize_t)size)
        errno = EIO; /* cut, just now */
    if (n < (ssize_t)size)
        return 0;
    n /= (ssize_t)size;
    return n < HISTORY_ALL - place ? (uint32_t)n : HISTORY_ALL - place;
}

/* All or nothing: what cannot be read now may be read later. */
static bool read_all(int fd, struct history_file_item *items, uint32_t *n)
{
    struct vault_record *r = malloc(BATCH * sizeof(*r));
    uint32_t place, got = 1, i;

    CHECK(r != NULL);
    *n = 0;
    for (place = 0; place < HISTORY_ALL && got > 0; place += got) {
        got = read_batch(fd, place, r);
        for (i = 0; i < got; i++)
            if (rings_belongs(&r[i].moment, place + i) &&
                r[i].checksum == record_sum(&r[i].moment, place + i))
                items[(*n)++] =
                    (struct history_file_item){place + i, r[i].moment};
    }
    free(r);
    return got > 0;
}

enum history_file_result history_file_read(const char *dir,
                                           struct history_file_item **items,
                                           uint32_t *n, int64_t until_ns,
                                           char *msg, size_t msg_max)
{
    int dir_fd = open_dir(dir, msg, msg_max), fd, lock;
    enum history_file_result res;

    *items = NULL;
    *n = 0;
    if (dir_fd == -1)
        return VAULT_FAILED;
    res = find(dir, dir_fd, O_RDONLY, until_ns, &fd, &lock, msg, msg_max);
    close_all(dir_fd, lock);
    if (res != VAULT_OK)
        return res;
    *items = calloc(HISTORY_ALL, sizeof(**items));
    CHECK(*items != NULL);
    if (!read_all(fd, *items, n)) {
        res = fail(dir, "", msg, msg_max);
        free(*items);
        *items = NULL;
        *n = 0;
    }
    close(fd);
    return res;
}

/* ---- writing ------------------------------------------------------------------ */

/* Items that lie one behind the other are one write. */
static int write_items(int fd, const struct history_file_item *items,
                       uint32_t n, int64_t until_ns)
{
    struct vault_record *r = malloc(BATCH * sizeof(*r));
    uint32_t i = 0, k;
    int rc = 0;

    CHECK(r != NULL);
    while (i < n && rc == 0) {
        off_t at = (off_t)((items[i].place + 1) * sizeof(*r));

        for (k = 0;
             k < BATCH && i + k < n && items[i + k].place == items[i].place + k;
             k++) {
            r[k].moment = items[i + k].moment;
            r[k].checksum = record_sum(&r[k].moment, items[i + k].place);
        }
        if (boottime_ns() >= until_ns) {
            errno = ETIMEDOUT;
            rc = -1;
        } else if (pwrite(fd, r, k * sizeof(*r), at) !=
                   (ssize_t)(k * sizeof(*r))) {
            rc = -1;
        }
        i += k;
    }
    free(r);
    return rc;
}

enum history_file_result history_file_write(
    const char *dir, const struct history_file_item *items, uint32_t n,
    int64_t until_ns, char *msg, size_t msg_max)
{
    int dir_fd = open_dir(dir, msg, msg_max), fd, lock;
    enum history_file_result res;

    if (dir_fd == -1)
        return VAULT_FAILED;
    res = find(dir, dir_fd, O_RDWR, until_ns, &fd, &lock, msg, msg_max);
    if (res == VAULT_NEW)
        fd = make(dir_fd);
    if (fd != -1)
        errno = 0; /* a short write sets none */
    if ((res == VAULT_OK || res == VAULT_NEW) &&
        (fd == -1 || write_items(fd, items, n, until_ns) == -1 ||
         fdatasync(fd) == -1))
        res = fail(dir, "", msg, msg_max);
    if (fd != -1)
        close(fd);
    close_all(dir_fd, lock);
    return res;
}
