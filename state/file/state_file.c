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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/file/birth.h"
#include "state/file/repair.h"
#include "state/file/wake.h"

#define ATTEMPTS 20 /* each lost to another process that was quicker */
#define ELSEWHERE                                                              \
    "; workers live who sent by another one: every window counts as full"

void file_note(const struct file_open *o, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(o->note, o->note_max, fmt, ap);
    va_end(ap);
}

/* ---- the directory --------------------------------------------------- */

int file_open_dir(const char *path, char *msg, size_t max)
{
    struct stat st;
    int fd;

    if (mkdir(path, 0700) == -1 && errno != EEXIST) {
        snprintf(msg, max, "state_dir %s: cannot be made: %s", path,
                 strerror(errno));
        return -1;
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) {
        snprintf(msg, max, "state_dir %s: %s", path,
                 errno == ELOOP || errno == ENOTDIR
                     ? "is a link or not a directory"
                     : strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) == -1 || st.st_uid != geteuid() ||
        (st.st_mode & 022) != 0) {
        snprintf(msg, max,
                 "state_dir %s: must belong to the user that runs Sluice and "
                 "be writable by nobody else (chown, chmod 0700)",
                 path);
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- the head -------------------------------------------------------- */

/* FNV-1a over what must agree between two builds to share a file. */
static uint32_t hash(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t h = 2166136261u;

    while (len-- > 0)
        h = (h ^ *p++) * 16777619u;
    return h;
}

static uint32_t layout_hash(void)
{
    const size_t facts[] = {
        sizeof(struct layout),
        offsetof(struct layout, live),
        offsetof(struct layout, rules),
        offsetof(struct layout, bounds),
        offsetof(struct layout, scopes),
        offsetof(struct layout, flow_hash),
        offsetof(struct layout, flows),
        offsetof(struct layout, clients),
        offsetof(struct layout, models),
        offsetof(struct layout, workers),
        offsetof(struct layout, rows),
        offsetof(struct layout, chunks),
        sizeof(struct lay_live),
        sizeof(struct lay_scope),
        sizeof(struct lay_worker),
        sizeof(struct lay_flow),
        offsetof(struct lay_live, counters),
        sizeof(struct lay_model_state),
        sizeof(struct lay_debt),
        offsetof(struct layout, traits),
        offsetof(struct layout, debts),
        offsetof(struct layout, probe),
        offsetof(struct layout, seniors),
        offsetof(struct lay_row, fingerprint),
        offsetof(struct lay_scope, last_send_ns),
        offsetof(struct layout, quotas),
        offsetof(struct lay_live, quota_span_ns),
        offsetof(struct lay_name, open),
    };

    return hash(facts, sizeof(facts));
}

static void boot_id(uint8_t out[16])
{
    char text[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    const char *p;

    memset(out, 0, 16);
    if (fd == -1)
        return; /* no /proc: every file looks like this boot's */
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    for (p = text; *p != '\0' && n < 32; p++) {
        const char *hex = "0123456789abcdef";
        const char *at = strchr(hex, *p);

        if (at == NULL)
            continue;
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | (at - hex));
        n++;
    }
}

/* The offsets, too: the number of a namespace that is gone is used again. */
static uint64_t time_namespace(void)
{
    char offsets[256] = "";
    struct stat st;
    int fd = open("/proc/self/timens_offsets", O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    if (fd != -1) {
        n = read(fd, offsets, sizeof(offsets));
        close(fd);
    }
    if (stat("/proc/self/ns/time", &st) == -1)
        return 0; /* a kernel without them: there is one clock */
    return st.st_ino ^ (uint64_t)hash(offsets, n > 0 ? (size_t)n : 0) << 32;
}

bool file_head_is_sound(const struct layout *lay)
{
    const struct lay_head *h = &lay->head;

    return memcmp(h->magic, LAYOUT_MAGIC, sizeof(h->magic)) == 0 &&
           h->version == LAYOUT_VERSION && h->layout_hash == layout_hash() &&
           h->size == sizeof(*lay) &&
           h->checksum == hash(h, offsetof(struct lay_head, checksum));
}

void file_head_sign(struct lay_head *h)
{
    h->checksum = hash(h, offsetof(struct lay_head, checksum));
}

void file_head_init(struct lay_head *h, uint64_t secret)
{
    memset(h, 0, sizeof(*h));
    memcpy(h->magic, LAYOUT_MAGIC, sizeof(h->magic));
    h->version = LAYOUT_VERSION;
    h->layout_hash = layout_hash();
    h->size = sizeof(struct layout);
    boot_id(h->boot_id);
    h->time_ns = time_namespace();
    h->secret = secret;
}

static bool is_same_boot(const struct lay_head *a, const struct lay_head *b)
{
    return memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id)) == 0;
}

void file_lose_past(struct lay_live *l, int64_t now)
{
    int64_t until_ns = now + NS_PER_S;
    uint32_t i;

    for (i = 0; i < LAY_UPSTREAMS; i++)
        l->lost_ns[i] = max_i64(l->lost_ns[i], until_ns);
    l->quota_lost_ns = max_i64(l->quota_lost_ns, until_ns);
}

struct layout *file_map(int fd)
{
    void *p = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE,
                   MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return NULL;
    /* Keys are never in it, but prompts' sizes and names need no core. */
    (void)madvise(p, sizeof(struct layout), MADV_DONTDUMP);
    return p;
}

/* ---- looking at one -------------------------------------------------- */

static const char *stranger(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "is not a regular file";
    if (st->st_uid != geteuid())
        return "belongs to another user";
    if (st->st_nlink > 1)
        return "has a second hard link";
    if ((st->st_mode & 077) != 0)
        return "can be read or written by others (its mode must be 0600)";
    return NULL;
}

struct look {
    struct layout *lay;
    struct lay_head here; /* what a head of this boot says */
    int64_t now, had_created_ns;
    bool cold, elsewhere;
    bool other_boot, other_clock;
};

static void look(void *arg)
{
    struct look *l = arg;
    struct lay_live *live = &l->lay->live;

    if (!file_head_is_sound(l->lay))
        sigbus_damaged("its head is not one of this version");
    l->other_boot = !is_same_boot(&l->lay->head, &l->here);
    l->other_clock = !l->other_boot && l->lay->head.time_ns != l->here.time_ns;
    if (l->other_clock || (l->other_boot && l->had_created_ns == 0))
        return;
    if (l->lay->head.created_ns > l->now + NS_PER_S)
        sigbus_damaged("it was made in the future");
    if (l->other_boot || l->lay->head.created_ns <= l->had_created_ns)
        sigbus_damaged("it is no newer than the one that was lost");
    /* Whoever retires a file has put another one into its place before. */
    if (live->retired != 0 || live->dirty > 1)
        sigbus_damaged("a flag that nobody sets");
    if (live->dirty)
        live->counters.repairs++;
    layout_begin_write(live);
    repair_run(l->lay, l->now); /* also checks every slot */
    if (l->cold)
        live->service_start_ns = min_i64(l->now, live->now_ns);
    if (l->elsewhere)
        file_lose_past(live, l->now);
    __atomic_store_n(&live->dirty, 0, __ATOMIC_SEQ_CST);
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

    if (st->st_size != (off_t)sizeof(struct layout))
        return "its size is not that of this version";
    l->lay = f->lay;
    l->had_created_ns = o->had_created_ns;
    return sigbus_run(look, l, &what) == GUARD_OK ? NULL : what;
}

/* Needs F's lock.  Its times mean nothing here, nor would ours there. */
static enum file_result judge_foreign(const struct file_open *o,
                                      struct state_file *f)
{
    if (file_lock_slots_are_held(f->fd, LAY_WORKERS)) {
        file_note(
            o,
            "%s: workers in another time namespace use it, whose clock is not "
            "ours; start all of them in the same one, or these with another "
            "state_dir",
            FILE_NAME);
        return FILE_REFUSED;
    }
    file_note(o,
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
        file_note(o, "%s was replaced: %s; every window counts as full",
                  FILE_NAME, wrong);
        return replace(o, f, PAST_LOST_COUNTED);
    }
    if (l->other_clock)
        return judge_foreign(o, f);
    if (l->other_boot) {
        file_note(o, "%s was replaced: it is of another boot%s", FILE_NAME,
                  o->elsewhere ? ELSEWHERE : "");
        return replace(o, f, o->elsewhere ? PAST_LOST : PAST_FROM_BOOT);
    }
    if (o->elsewhere && o->note[0] == '\0')
        file_note(o, "%s is another one now%s", FILE_NAME, ELSEWHERE);
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
        file_note(o, "%s: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    if (f->fd == -1) {
        file_note(o, "%s: %s; move it away and start again", FILE_NAME,
                  errno == ELOOP ? "is a symbolic link" : strerror(errno));
        return FILE_REFUSED;
    }
    if (fstat(f->fd, st) == -1) {
        file_note(o, "%s: fstat: %s", FILE_NAME, strerror(errno));
        return FILE_FAILED;
    }
    why = st->st_nlink == 0 ? NULL : stranger(st);
    if (why != NULL) {
        file_note(o, "%s: %s; move it away and start again", FILE_NAME, why);
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
        file_note(o, "%s was made%s", FILE_NAME, ELSEWHERE);
        return birth_make(o, PAST_LOST, true);
    }
    file_note(o, "%s was gone and was made anew; every window counts as full",
              FILE_NAME);
    return birth_make(o, PAST_LOST_COUNTED, true);
}

void file_rest(const struct state_file *f)
{
    if (f->lay != NULL)
        (void)madvise(f->lay, sizeof(struct layout), MADV_DONTNEED);
}

/* One try; *AGAIN when the name now leads to another file. */
static enum file_result attach_once(struct state_file *f,
                                    const struct file_open *o, bool *again)
{
    struct look l = {.cold = o->cold, .elsewhere = o->elsewhere};
    enum file_result res;
    struct stat st;

    *f = (struct state_file){.fd = -1};
    *again = true;
    res = open_checked(o, f, &st);
    if (res != FILE_OK)
        goto fail;
    if (f->fd == -1)
        return make_first(o);
    if (st.st_size == (off_t)sizeof(struct layout)) {
        f->lay = file_map(f->fd);
        if (f->lay == NULL) {
            file_note(o, "%s: mmap: %s", FILE_NAME, strerror(errno));
            res = FILE_FAILED;
            goto fail;
        }
    }
    file_head_init(&l.here, 0); /* reads /proc: before the lock */
    if (!file_lock_take(f->fd)) {
        res = FILE_BUSY;
        goto fail;
    }
    /* Others may have worked since O->now was read: the future is what lies
     * beyond this moment. */
    l.now = max_i64(o->now, boottime_ns());
    res = judge(o, f, &st, &l, again);
    file_lock_drop(f->fd);
    if (res == FILE_OK && !*again) {
        /* The look went through all of it; the day's work touches little. */
        file_rest(f);
        return FILE_OK;
    }
fail:
    file_close(f);
    return res;
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

void file_clean_dir(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (d == NULL) {
        if (fd != -1)
            close(fd);
        return;
    }
    while ((e = readdir(d)) != NULL)
        if (strncmp(e->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0 ||
            strncmp(e->d_name, WAKE_PREFIX, strlen(WAKE_PREFIX)) == 0)
            (void)unlinkat(dir, e->d_name, 0);
    closedir(d);
}
