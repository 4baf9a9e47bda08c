/*
 * vault.c - what does the disk know of the past?
 *
 *   0      head     magic, version, sizes, checksum; padded to a record
 *   248    records  place i at 248 * (i + 1): a moment and its checksum
 *
 * The size never changes.  A record that was torn, by a crash or a full disk,
 * fails its checksum and counts as not kept; a head that is not ours means that
 * none of it is, and a new file takes its place.  The checksum covers the
 * place, so a record that was copied elsewhere is none either.  It guards
 * against accidents: whoever may write here can also write a true one, and
 * then moves a curve in a chart.
 */
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boottime.h"

#define VERSION 1
#define BATCH   256 /* records written at once: 64 KB */

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

static bool is_ours(int fd)
{
    struct vault_head want, have;
    struct stat st;

    head_init(&want);
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           st.st_uid == geteuid() && st.st_size == VAULT_SIZE &&
           pread(fd, &have, sizeof(have), 0) == (ssize_t)sizeof(have) &&
           memcmp(&want, &have, sizeof(want)) == 0;
}

/* The file, if it is one of ours; else -1. */
static int open_ours(int dir, int flags)
{
    int fd =
        openat(dir, VAULT_NAME, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1 || is_ours(fd))
        return fd;
    close(fd);
    return -1;
}

/* Whole under another name first: there is never half a file. */
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
         fsync(fd) == -1 || renameat(dir, temp, dir, VAULT_NAME) == -1))
        err = errno != 0 ? errno : EIO;
    if (err == 0)
        return fd;
    (void)unlinkat(dir, temp, 0);
    close(fd);
    errno = err;
    return -1;
}

/* ---- reading ------------------------------------------------------------------ */

/* Up to BATCH records from PLACE on.  How many there were. */
static uint32_t read_batch(int fd, uint32_t place, struct vault_record *to)
{
    size_t size = sizeof(*to);
    ssize_t n = pread(fd, to, BATCH * size, (off_t)((place + 1) * size));

    if (n <= 0)
        return 0;
    n /= (ssize_t)size;
    return n < HISTORY_ALL - place ? (uint32_t)n : HISTORY_ALL - place;
}

static uint32_t read_all(int fd, struct vault_item *items)
{
    struct vault_record *r = malloc(BATCH * sizeof(*r));
    uint32_t place, got, i, n = 0;

    CHECK(r != NULL);
    for (place = 0; place < HISTORY_ALL; place += got) {
        got = read_batch(fd, place, r);
        for (i = 0; i < got; i++)
            if (history_belongs(&r[i].moment, place + i) &&
                r[i].checksum == record_sum(&r[i].moment, place + i))
                items[n++] = (struct vault_item){place + i, r[i].moment};
        if (got == 0)
            break; /* a bad disk: what there is */
    }
    free(r);
    return n;
}

enum vault_result vault_read(const char *dir, struct vault_item **items,
                             uint32_t *n, char *msg, size_t msg_max)
{
    int dir_fd = open_dir(dir, msg, msg_max), fd;

    *items = NULL;
    *n = 0;
    if (dir_fd == -1)
        return VAULT_FAILED;
    fd = open_ours(dir_fd, O_RDONLY);
    close(dir_fd);
    if (fd == -1)
        return VAULT_NEW;
    *items = calloc(HISTORY_ALL, sizeof(**items));
    CHECK(*items != NULL);
    *n = read_all(fd, *items);
    close(fd);
    return VAULT_OK;
}

/* ---- writing ------------------------------------------------------------------ */

/* Items that lie one behind the other are one write. */
static int write_items(int fd, const struct vault_item *items, uint32_t n,
                       int64_t until_ns)
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

enum vault_result vault_write(const char *dir, const struct vault_item *items,
                              uint32_t n, int64_t until_ns, char *msg,
                              size_t msg_max)
{
    enum vault_result res = VAULT_OK;
    int dir_fd = open_dir(dir, msg, msg_max), fd;

    if (dir_fd == -1)
        return VAULT_FAILED;
    fd = open_ours(dir_fd, O_RDWR);
    if (fd == -1) {
        res = VAULT_NEW;
        fd = make(dir_fd);
    }
    if (fd != -1)
        errno = 0; /* a short write sets none */
    if (fd == -1 || write_items(fd, items, n, until_ns) == -1 ||
        fdatasync(fd) == -1) {
        snprintf(msg, msg_max, "%s/" VAULT_NAME ": %s", dir,
                 errno != 0 ? strerror(errno) : "a short write");
        res = VAULT_FAILED;
    }
    if (fd != -1)
        close(fd);
    close(dir_fd);
    return res;
}
