/*
 * state_file.c - is the state file there, is it ours, is it sound?
 *
 *   found                                    done
 *   sound, of this layout and boot           used
 *   none, no other worker lives              made; history unknown from boot
 *   none, others live                        made; history unknown until now
 *   other boot                               replaced; unknown from boot
 *   other time namespace, workers in it      refused
 *   other time namespace, nobody in it       replaced; unknown until now
 *   damaged, other layout, wrong size        replaced; unknown until now
 *   wrong owner, mode, type, a link          refused
 *
 * "Unknown until T" means that every window is full until T + window + margin.
 * The first three are unknown until now where others live who send by another
 * file: the directory was moved away from them, say.
 *
 * Nothing is rebuilt in place: a new file (birth.c) is renamed over the old
 * one, whose users see `retired` or a link count of 0.
 */
#include "state/file/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/birth.h"
#include "state/file/repair.h"
#include "state/file/state_dir.h"
#include "state/file/temp_file.h"
#include "state/file/transaction.h"

#define ATTEMPTS 20 /* each lost to another process that was quicker */
#define ELSEWHERE                                                              \
    "; workers live who sent by another one: every window counts as full"

/* ---- looking at one -------------------------------------------------- */

struct look {
    struct layout *lay;
    struct lay_head here; /* what a head of this boot says */
    int64_t now, had_created_ns;
    bool cold, elsewhere;
    bool other_boot, other_clock, was_dirty;
};

/* Needs the lock.  Is it what may be used?  Then it is also repaired. */
static bool is_usable(void *arg)
{
    struct look *l = arg;
    const struct file_kind kind = opening_kind();
    const struct lay_live *live = &l->lay->live;
    const struct lay_head *h = &l->lay->head;

    if (!file_head_is_sound(h, &kind))
        sigbus_damaged("its head is not one of this version");
    l->other_boot = !file_head_is_same_boot(h, &l->here);
    l->other_clock = !l->other_boot && h->time_ns != l->here.time_ns;
    if (l->other_clock || (l->other_boot && l->had_created_ns == 0))
        return false;
    if (h->created_ns > l->now + NS_PER_S)
        sigbus_damaged("it was made in the future");
    if (l->other_boot || h->created_ns <= l->had_created_ns)
        sigbus_damaged("it is no newer than the one that was lost");
    /* Whoever retires a file has put another one into its place before. */
    if (live->retired != 0 || live->dirty > 1)
        sigbus_damaged("a flag that nobody sets");
    l->was_dirty = live->dirty != 0;
    return true;
}

/* Needs the lock, and is a write. */
static void take_over(void *arg)
{
    struct look *l = arg;
    struct lay_live *live = &l->lay->live;

    live->repairs += l->was_dirty;
    repair_run(l->lay, l->now); /* also checks every slot */
    if (l->cold)
        live->service_start_ns = l->now; /* not while nobody was there */
    if (l->elsewhere)
        opening_lose_past(live, l->now);
}

static void retire(void *lay)
{
    ((struct layout *)lay)->live.retired = 1;
}

/* Needs F's lock.  Replaces what is at the name by a new file. */
static enum file_result replace(const struct file_open *o, struct state_file *f,
                                enum past past)
{
    enum file_result res = birth_make(o, past, false);

    if (res == FILE_OK && f->lay != NULL)
        (void)sigbus_run(retire, f->lay, NULL);
    return res;
}

/* Needs F's lock.  NULL: sound (or of another boot), else what is wrong. */
static const char *examine(const struct file_open *o, struct state_file *f,
                           const struct stat *st, struct look *l)
{
    const char *what = "it is damaged";
    const struct transaction t = {.fd = -1, /* it is ours already */
                                  .lay = f->lay,
                                  .may = is_usable,
                                  .fn = take_over,
                                  .arg = l};

    if (st->st_size != (off_t)sizeof(struct layout))
        return "its size is not that of this version";
    l->lay = f->lay;
    l->had_created_ns = o->had_created_ns;
    return state_write(&t, &what) == STATE_DAMAGED ? what : NULL;
}

/* Needs F's lock.  Its times mean nothing here, nor would ours there. */
static enum file_result judge_foreign(const struct file_open *o,
                                      struct state_file *f)
{
    if (file_lock_seats_are_held(f->fd, LAY_WORKERS)) {
        opening_note(
            o,
            "%s: workers in another time namespace use it, whose clock is not "
            "ours; start all of them in the same one, or these with another "
            "state_dir",
            FILE_NAME);
        return FILE_REFUSED;
    }
    opening_note(
        o,
        "%s was replaced: it is of another time namespace; every window "
        "counts as full",
        FILE_NAME);
    return replace(o, f, PAST_LOST_COUNTED);
}

/* Needs F's lock.  FILE_OK: sound, or replaced (then *AGAIN). */
static enum file_result judge(const struct file_open *o, struct state_file *f,
                              const struct stat *st, struct look *l,
                              bool *again)
{
    const char *wrong;

    *again = true;
    if (!file_is_current(f, o->dir))
        return FILE_OK;
    wrong = examine(o, f, st, l);
    if (wrong != NULL) {
        opening_note(o, "%s was replaced: %s; every window counts as full",
                     FILE_NAME, wrong);
        return replace(o, f, PAST_LOST_COUNTED);
    }
    if (l->other_clock)
        return judge_foreign(o, f);
    if (l->other_boot) {
        opening_note(o, "%s was replaced: it is of another boot%s", FILE_NAME,
                     o->elsewhere ? ELSEWHERE : "");
        return replace(o, f, o->elsewhere ? PAST_LOST : PAST_FROM_BOOT);
    }
    if (o->elsewhere && o->note[0] == '\0')
        opening_note(o, "%s is another one now%s", FILE_NAME, ELSEWHERE);
    f->head = l->lay->head;
    *again = false;
    return FILE_OK;
}

static enum file_result open_checked(const struct file_open *o,
                                     struct state_file *f, struct stat *st)
{
    const char *why;

    f->fd =
        openat(o->dir, FILE_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (f->fd == -1 && errno == ENOENT)
        return FILE_OK;
    if (f->fd == -1 &&
        (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        opening_note(o, "%s: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    if (f->fd == -1) {
        opening_note(o, "%s: %s; move it away and start again", FILE_NAME,
                     errno == ELOOP ? "is a symbolic link" : strerror(errno));
        return FILE_REFUSED;
    }
    if (fstat(f->fd, st) == -1) {
        opening_note(o, "%s: fstat: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    why = st->st_nlink == 0 ? NULL : file_stranger(st);
    if (why != NULL) {
        opening_note(o, "%s: %s; move it away and start again", FILE_NAME, why);
        return FILE_REFUSED;
    }
    f->dev = st->st_dev;
    f->ino = st->st_ino;
    return FILE_OK;
}

/* There is none: the window is as empty as the machine has been up, unless
 * workers live, who may have filled it. */
static enum file_result make_first(const struct file_open *o)
{
    if (o->cold && !o->elsewhere)
        return birth_make(o, PAST_FROM_BOOT, true);
    if (o->cold) {
        opening_note(o, "%s was made%s", FILE_NAME, ELSEWHERE);
        return birth_make(o, PAST_LOST, true);
    }
    opening_note(o,
                 "%s was gone and was made anew; every window counts as full",
                 FILE_NAME);
    return birth_make(o, PAST_LOST_COUNTED, true);
}

void file_rest(const struct state_file *f)
{
    if (f->lay != NULL)
        (void)madvise(f->lay, sizeof(struct layout), MADV_DONTNEED);
}

/* What is done with the lock of a file that was found. */
struct visit {
    const struct file_open *o;
    struct state_file *f;
    const struct stat *st;
    struct look look;
    enum file_result res;
    bool again;
};

/* Needs F's lock. */
static void visit(void *arg)
{
    struct visit *v = arg;

    /* Others may have worked since O->now was read: the future is what lies
     * beyond this moment. */
    v->look.now = max_i64(v->o->now, boottime_ns());
    v->res = judge(v->o, v->f, v->st, &v->look, &v->again);
}

/* One try; *AGAIN when the name now leads to another file. */
static enum file_result attach_once(struct state_file *f,
                                    const struct file_open *o, bool *again)
{
    const struct file_kind kind = opening_kind();
    struct stat st;
    struct visit v = {.o = o,
                      .f = f,
                      .st = &st,
                      .look = {.cold = o->cold, .elsewhere = o->elsewhere},
                      .res = FILE_BUSY};

    *f = (struct state_file){.fd = -1};
    *again = true;
    v.res = open_checked(o, f, &st);
    if (v.res != FILE_OK)
        goto fail;
    if (f->fd == -1)
        return make_first(o);
    if (st.st_size == (off_t)sizeof(struct layout)) {
        f->lay = temp_file_map(f->fd, sizeof(struct layout));
        if (f->lay == NULL) {
            opening_note(o, "%s: mmap: %s", FILE_NAME, strerror(errno));
            v.res = FILE_FAILED;
            goto fail;
        }
    }
    file_head_init(&v.look.here, &kind, 0); /* reads /proc: before the lock */
    if (!state_alone(f->fd, 0, visit, &v))
        v.res = FILE_BUSY;
    *again = v.again;
    if (v.res == FILE_OK && !v.again) {
        /* The look went through all of it; the day's work touches little. */
        file_rest(f);
        return FILE_OK;
    }
fail:
    file_close(f);
    return v.res;
}

enum file_result file_attach(struct state_file *f, const struct file_open *o)
{
    enum file_result res = FILE_OK;
    bool again = true;
    int i;

    o->note[0] = '\0';
    for (i = 0; i < ATTEMPTS && res == FILE_OK && again; i++)
        res = attach_once(f, o, &again);
    return res == FILE_OK && again ? FILE_BUSY : res;
}

void file_close(struct state_file *f)
{
    if (f->lay != NULL)
        munmap(f->lay, sizeof(struct layout));
    f->lay = NULL;
    if (f->fd != -1)
        close(f->fd);
    f->fd = -1;
}

bool file_is_current(const struct state_file *f, int dir)
{
    struct stat st;

    return fstatat(dir, FILE_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == f->dev && st.st_ino == f->ino;
}
