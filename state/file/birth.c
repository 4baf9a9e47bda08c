/*
 * birth.c - how does a new state file come to its place?
 *
 * Whole under another name, then by rename: there is never half a file.  Its
 * lock is held meanwhile, and its head is written last, when it has its place,
 * with the time that it is then: whoever is stopped half way holds the others
 * up, and whoever is killed leaves a file that counts as damaged.
 */
#include "state/file/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"

struct birth {
    const struct file_open *o;
    enum past past;
    uint64_t recoveries;
    char name[64]; /* until it has its place */
    int fd;
    struct layout *lay;
    struct lay_head head; /* all but the times */
};

/* All that is long; a page that cannot be had is told here, too. */
static void fill(void *arg)
{
    struct birth *b = arg;

    b->lay->live.counters.recoveries = b->recoveries;
    repair_run(b->lay, b->o->now);
}

/* Needs the new file's lock: others send by the one it replaces until it has
 * its place, and this worker may have been stopped since it read the clock. */
static void finish(void *arg)
{
    struct birth *b = arg;
    const struct file_open *o = b->o;
    int64_t now = max_i64(o->now, boottime_ns());
    struct lay_live *l = &b->lay->live;

    l->now_ns = now;
    l->service_start_ns = o->service_start_ns > 0 ? o->service_start_ns : now;
    if (b->past != PAST_FROM_BOOT)
        file_lose_past(l, now);
    b->head.created_ns = max_i64(now, o->had_created_ns + 1);
    file_head_sign(&b->head);
    b->lay->head = b->head;
}

/* Has B's space, all of it now: a page that cannot be had later would be a
 * SIGBUS.  0, or an errno. */
static int reserve(struct birth *b)
{
    int error = posix_fallocate(b->fd, 0, (off_t)sizeof(struct layout));

    if (error != 0)
        return error;
    b->lay = file_map(b->fd);
    if (b->lay == NULL)
        return errno;
    if (sigbus_run(fill, b, NULL) != GUARD_OK)
        return ENOSPC;
    return file_lock_take(b->fd) ? 0 : errno;
}

/* The lock is dropped by hand: see file_lock.c. */
static void close_birth(struct birth *b)
{
    if (b->lay != NULL)
        munmap(b->lay, sizeof(struct layout));
    if (b->fd != -1) {
        file_lock_drop(b->fd);
        close(b->fd);
    }
}

/* Makes all but the head, under a private name and with the lock taken.  0, or
 * -1 with errno: then there is nothing. */
static int make_temp(struct birth *b)
{
    uint64_t random = 0;
    int error;

    if (getrandom(&random, sizeof(random), 0) == -1)
        return -1;
    snprintf(b->name, sizeof(b->name), TEMP_PREFIX "%ld.%" PRIx64,
             (long)getpid(), random);
    b->fd = openat(b->o->dir, b->name,
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (b->fd == -1)
        return -1;
    error = reserve(b);
    if (error == 0)
        return 0;
    (void)unlinkat(b->o->dir, b->name, 0);
    close_birth(b);
    errno = error;
    return -1;
}

/* FILE_OK also when another process was quicker. */
static enum file_result put_in_place(struct birth *b, bool fresh)
{
    const struct file_open *o = b->o;

    if (renameat2(o->dir, b->name, o->dir, FILE_NAME,
                  fresh ? RENAME_NOREPLACE : 0) == 0)
        return sigbus_run(finish, b, NULL) == GUARD_OK ? FILE_OK : FILE_FAILED;
    if (errno == EEXIST) {
        (void)unlinkat(o->dir, b->name, 0);
        return FILE_OK;
    }
    file_note(o, "%s: cannot be put in place: %s", FILE_NAME, strerror(errno));
    (void)unlinkat(o->dir, b->name, 0);
    return FILE_FAILED;
}

enum file_result birth_make(const struct file_open *o, enum past past,
                            bool fresh)
{
    struct birth b = {.o = o, .past = past, .fd = -1};
    uint64_t secret = o->secret;
    enum file_result res;

    /* Kept, so that a fingerprint made before means the same after. */
    if (secret == 0 && getrandom(&secret, sizeof(secret), 0) == -1) {
        file_note(o, "%s: getrandom: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    if (past == PAST_LOST_COUNTED)
        b.recoveries = o->recoveries + 1;
    file_head_init(&b.head, secret);
    if (make_temp(&b) == -1) {
        file_note(o, "%s: a new one cannot be made: %s%s (%zu KB are needed)",
                  FILE_NAME, strerror(errno),
                  errno == ENOSPC ? "; make room in state_dir" : "",
                  sizeof(struct layout) / 1024);
        return FILE_FAILED;
    }
    res = put_in_place(&b, fresh);
    close_birth(&b);
    return res;
}
