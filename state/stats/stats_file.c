/*
 * stats_file.c - are statistics there, are they ours, and if not?
 *
 *   found                                   done
 *   sound, of this layout and boot          used
 *   none                                    made
 *   damaged, cut short, of another boot     replaced
 *   of another layout, by who starts        replaced
 *   of another layout, by who runs          left; ours, without its name, goes on
 *   not ours (a link, another user's)       left; each worker keeps its own
 *   no room for a new one                   the same
 *
 * Workers of an old and a new build live side by side while they are restarted
 * one by one: each kind shares its own file, and none throws out the other's.
 * Nothing here ever stops a request.
 *
 * The state file's lock is this one's, too.  Who makes a new one has it ready
 * before it takes the lock, and looks again with it: so two that miss it at
 * once end with the same one.
 */
#include "state/stats/stats_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/sigbus.h"
#include "state/file/state_dir.h"
#include "state/file/temp_file.h"
#include "state/file/transaction.h"
#include "state/stats/counters.h"
#include "state/stats/stats_hash.h"

#define SIZE    sizeof(struct stats_layout)
#define LOCK_NS (100 * NS_PER_MS) /* a turn takes less */

static void note(const struct stats_open *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void note(const struct stats_open *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(o->note, o->note_max, fmt, ap);
    va_end(ap);
}

struct file_kind stats_file_kind(void)
{
    return (struct file_kind){STATS_MAGIC, STATS_VERSION, stats_hash(), SIZE};
}

/* ---- what is at the name? ------------------------------------------------- */

enum finding {
    FOUND_SOUND = 0,
    FOUND_NONE = 1,
    FOUND_UNFIT = 2,   /* another one may take its place */
    FOUND_VERSION = 3, /* the same, but somebody may use it */
    FOUND_STRANGE = 4, /* nothing can be done about it */
};

struct find {
    const struct stats_open *o;
    struct lay_head here; /* what a head of this boot says */
    struct file_kind kind;
    enum finding what;
    const char *why;     /* unless it is sound */
    struct stats_file f; /* if it is */
};

static enum finding judge_head(struct find *k, const struct lay_head *h)
{
    struct file_kind theirs = k->kind;

    theirs.version = h->version;
    theirs.layout_hash = h->layout_hash;
    theirs.size = h->size;
    k->why = "it is damaged";
    if (!file_head_is_sound(h, &theirs))
        return FOUND_UNFIT;
    k->why = "it is of another version";
    if (!file_head_is_sound(h, &k->kind))
        return FOUND_VERSION;
    k->why = "it is of another boot";
    if (!file_head_is_same_boot(h, &k->here))
        return FOUND_UNFIT;
    k->why = "it is of another time namespace";
    return h->time_ns == k->here.time_ns ? FOUND_SOUND : FOUND_UNFIT;
}

static enum finding judge_file(struct find *k, int fd)
{
    struct lay_head h;
    enum finding what;
    struct stat st;

    if (fstat(fd, &st) == -1) {
        k->why = strerror(errno);
        return FOUND_STRANGE;
    }
    k->why = st.st_nlink == 0 ? NULL : file_stranger(&st);
    if (k->why != NULL)
        return FOUND_STRANGE;
    k->why = "it is damaged";
    if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
        return FOUND_UNFIT;
    what = judge_head(k, &h);
    if (what != FOUND_SOUND)
        return what;
    k->why = "it was cut short";
    if (st.st_size != (off_t)SIZE)
        return FOUND_UNFIT;
    k->f = (struct stats_file){.lay = temp_file_map(fd, SIZE),
                               .shared = true,
                               .fresh = true,
                               .dev = st.st_dev,
                               .ino = st.st_ino};
    k->why = strerror(errno);
    return k->f.lay != NULL ? FOUND_SOUND : FOUND_STRANGE;
}

/* The map needs no descriptor. */
static void look(struct find *k)
{
    int fd = openat(k->o->dir, STATS_NAME,
                    O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1) {
        k->what = errno == ENOENT ? FOUND_NONE : FOUND_STRANGE;
        k->why = errno == ELOOP ? "is a symbolic link" : strerror(errno);
        return;
    }
    k->what = judge_file(k, fd);
    close(fd);
}

/* ---- a new one --------------------------------------------------------------- */

struct make {
    struct find *k;
    struct temp_file temp;
    bool placed;
};

static void fill(void *arg)
{
    struct make *m = arg;
    struct stats_layout *st = m->temp.map;

    st->counters.recoveries = m->k->o->recoveries;
    stats_file_repair(st, 0);
    st->head = m->k->here;
    st->head.created_ns = boottime_ns();
    file_head_sign(&st->head);
}

/* May another one take the place of what was found? */
static bool may_replace(const struct find *k)
{
    return k->what == FOUND_NONE || k->what == FOUND_UNFIT ||
           (k->what == FOUND_VERSION && k->o->starting);
}

/* Needs the lock.  Somebody may have been quicker. */
static void place(void *arg)
{
    struct make *m = arg;

    look(m->k);
    if (may_replace(m->k))
        m->placed = temp_file_place(&m->temp, STATS_NAME, false) == 0;
}

static void say_replaced(const struct find *k)
{
    if (k->what != FOUND_NONE)
        note(k->o, "%s was replaced: %s; statistics begin anew", STATS_NAME,
             k->why);
    else if (!k->o->starting)
        note(k->o, "%s was gone and was made anew; statistics begin anew",
             STATS_NAME);
}

static bool keep(struct make *m, struct stats_file *f)
{
    struct stat st;

    if (fstat(m->temp.fd, &st) == -1)
        return false;
    say_replaced(m->k);
    stats_file_close(f);
    *f = (struct stats_file){
        .lay = m->temp.map, .shared = true, .dev = st.st_dev, .ino = st.st_ino};
    m->temp.map = NULL; /* it is F's now */
    return true;
}

static bool make(struct find *k, struct stats_file *f)
{
    struct make m = {.k = k};
    int error = 0;
    bool kept = false;

    if (temp_file_make(&m.temp, k->o->dir, SIZE) == -1)
        error = errno;
    else if (sigbus_run(fill, &m, NULL) != GUARD_OK)
        error = ENOSPC;
    else if (!state_alone(k->o->lock_fd, LOCK_NS, place, &m))
        error = EAGAIN;
    else if (m.placed)
        kept = keep(&m, f);
    if (error != 0)
        note(k->o, "%s: a new one cannot be made: %s (%zu KB are needed)",
             STATS_NAME, strerror(error), SIZE / 1024);
    temp_file_drop(&m.temp);
    return kept;
}

/* ---- for others ----------------------------------------------------------- */

bool stats_file_attach(struct stats_file *f, const struct stats_open *o)
{
    struct find k = {.o = o, .kind = stats_file_kind()};

    o->note[0] = '\0';
    file_head_init(&k.here, &k.kind, 0);
    look(&k);
    if (may_replace(&k) && make(&k, f))
        return true;
    if (k.what == FOUND_SOUND) {
        stats_file_close(f);
        *f = k.f;
        return true;
    }
    if (o->note[0] == '\0')
        note(o, "%s: %s", STATS_NAME, k.why);
    return false;
}

void stats_file_alone(struct stats_file *f, uint64_t recoveries)
{
    void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    CHECK(p != MAP_FAILED);
    stats_file_close(f);
    *f = (struct stats_file){.lay = p};
    f->lay->counters.recoveries = recoveries;
}

void stats_file_close(struct stats_file *f)
{
    if (f->lay != NULL)
        munmap(f->lay, SIZE);
    *f = (struct stats_file){.lay = NULL};
}

void stats_file_rest(const struct stats_file *f)
{
    if (f->lay != NULL && f->shared)
        (void)madvise(f->lay, SIZE, MADV_DONTNEED);
}

bool stats_file_is_current(const struct stats_file *f, int dir)
{
    struct stat st;

    return f->shared &&
           fstatat(dir, STATS_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == f->dev && st.st_ino == f->ino &&
           st.st_size == (off_t)SIZE;
}

void stats_file_repair(struct stats_layout *st, int64_t now)
{
    uint32_t i;

    counters_rebuild(st);
    rings_rebuild(&st->history, now);
    trails_rebuild(&st->trails);
    for (i = 0; i < LEDGERS; i++)
        ledger_rebuild(&st->ledgers[i]);
    board_rebuild(&st->board, now);
}

bool stats_file_claim(struct stats_layout *st, int64_t under_ns, int64_t now)
{
    if (st->live.under_ns == under_ns)
        return true;
    if (st->live.under_ns > under_ns && st->live.under_ns <= now + NS_PER_S)
        return false;
    board_move(&st->board);
    rings_move(&st->history);
    st->live.under_ns = under_ns;
    return true;
}
