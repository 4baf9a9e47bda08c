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
#include <string.h>
#include <sys/random.h>

#include "lib/boottime.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/file/temp_file.h"
#include "state/file/transaction.h"
#include "state/policy/layout.h"

struct birth {
    const struct file_open *o;
    enum past past;
    bool fresh;
    struct temp_file file;
    struct layout *lay;   /* its map */
    struct lay_head head; /* all but the times */
    enum file_result res;
};

/* All that is long; a page that cannot be had is told here, too. */
static void fill(void *arg)
{
    struct birth *b = arg;

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
        opening_lose_past(l, now);
    b->head.created_ns = max_i64(now, o->had_created_ns + 1);
    file_head_sign(&b->head);
    b->lay->head = b->head;
}

/* Needs the new file's lock.  FILE_OK also when another process was quicker. */
static void put_in_place(void *arg)
{
    struct birth *b = arg;

    if (temp_file_place(&b->file, FILE_NAME, b->fresh) == 0) {
        b->res =
            sigbus_run(finish, b, NULL) == GUARD_OK ? FILE_OK : FILE_FAILED;
        if (b->past == PAST_LOST_COUNTED && b->o->recovered != NULL)
            *b->o->recovered = true;
        return;
    }
    b->res = errno == EEXIST ? FILE_OK : FILE_FAILED;
    if (b->res == FILE_FAILED)
        opening_note(b->o, "%s: cannot be put in place: %s", FILE_NAME,
                     strerror(errno));
}

/* Makes all but the head, under a private name.  0, or -1 with errno. */
static int make_temp(struct birth *b)
{
    if (temp_file_make(&b->file, b->o->dir, sizeof(struct layout)) == -1)
        return -1;
    b->lay = b->file.map;
    if (sigbus_run(fill, b, NULL) == GUARD_OK)
        return 0;
    temp_file_drop(&b->file);
    errno = ENOSPC;
    return -1;
}

enum file_result birth_make(const struct file_open *o, enum past past,
                            bool fresh)
{
    struct birth b = {.o = o, .past = past, .fresh = fresh, .res = FILE_FAILED};
    const struct file_kind kind = opening_kind();
    uint64_t secret = o->secret;

    /* Kept, so that a fingerprint made before means the same after. */
    if (secret == 0 && getrandom(&secret, sizeof(secret), 0) == -1) {
        opening_note(o, "%s: getrandom: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    file_head_init(&b.head, &kind, secret);
    if (make_temp(&b) == -1) {
        opening_note(o,
                     "%s: a new one cannot be made: %s%s (%zu KB are needed)",
                     FILE_NAME, strerror(errno),
                     errno == ENOSPC ? "; make room in state_dir" : "",
                     sizeof(struct layout) / 1024);
        return FILE_FAILED;
    }
    if (!state_alone(b.file.fd, 0, put_in_place, &b))
        opening_note(o, "%s: flock: %s", FILE_NAME, strerror(errno));
    temp_file_drop(&b.file);
    return b.res;
}
