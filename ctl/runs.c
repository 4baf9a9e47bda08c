/*
 * runs.c - which Sluices of mine run here?
 *
 *   conf/run --> PLACE/PID: url, dir, data, pid, ticks, started
 *                  |
 *   where.c  <-- runs_list()
 *
 * PLACE is the first that conf/run could use of
 *
 *   $SLUICE_RUN_LIST                  tests
 *   /run/sluice-runs                  root
 *   $XDG_RUNTIME_DIR/sluice-runs      somebody who has logged in
 *   /run/user/UID/sluice-runs         the same, in a shell that does not know
 *   /tmp/sluice-runs-UID              anybody else
 *
 * An entry says where the admin token lies and where it is sent to.  So a place
 * counts only if it is a directory of this very user (not a link to one) that
 * nobody else may write to, and an entry only if it is a plain file of this
 * user that nobody else may even read; root believes no other user's.  A state
 * directory that is somebody else's is none of ours, whatever an entry says.
 *
 * What is stale is passed over: its process is gone, or its number is another
 * process' by now.  Nothing is ever written or removed here; conf/run sweeps.
 */
#include "ctl/runs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base.h"

#define PLACES_MAX 5
#define ENTRY_MAX  4096 /* bytes of one; conf/run writes some 200 */

/* ---- one entry ------------------------------------------------------------- */

/* No blank and nothing that a terminal obeys; a path may have the blank. */
static bool is_plain(const char *text, char lowest)
{
    for (; *text != '\0'; text++)
        if (*text < lowest || *text > '~')
            return false;
    return true;
}

/* The value of KEY in TEXT, lines of "KEY VALUE", into OUT; false: there is
 * none, or it is longer than MAX. */
static bool value_of(const char *text, const char *key, char *out, size_t max)
{
    size_t len = strlen(key);

    for (; text != NULL && *text != '\0';
         text = strchr(text, '\n'), text += text != NULL) {
        size_t n = strcspn(text, "\n");

        if (strncmp(text, key, len) != 0 || text[len] != ' ')
            continue;
        if (n - len - 1 >= max)
            return false;
        snprintf(out, max, "%.*s", (int)(n - len - 1), text + len + 1);
        return true;
    }
    return false;
}

static int64_t number_of(const char *text, const char *key)
{
    char value[24] = "";
    char *end;
    long long n;

    if (!value_of(text, key, value, sizeof(value)))
        return -1;
    n = strtoll(value, &end, 10);
    return *end == '\0' && n > 0 ? n : -1;
}

/* Plain HTTP to a bare host: a name before it, or a path behind it, would make
 * something else of what is called there. */
static bool is_bare(const char *url)
{
    return strncmp(url, "http://", 7) == 0 && is_plain(url, '!') &&
           strpbrk(url + 7, "/@?#\\") == NULL;
}

/* Where it is may be believed, and paths are whole. */
static bool is_sound(const struct run *r)
{
    return is_bare(r->url) && (r->also[0] == '\0' || is_bare(r->also)) &&
           r->dir[0] == '/' && is_plain(r->dir, ' ') && r->data[0] == '/' &&
           is_plain(r->data, ' ') && r->pid > 0 && r->ticks > 0;
}

/* What is missing makes it none: an entry is written whole, by rename. */
static bool parse(struct run *r, const char *text)
{
    memset(r, 0, sizeof(*r));
    r->pid = number_of(text, "pid");
    r->ticks = number_of(text, "ticks");
    r->started = number_of(text, "started");
    /* Not every door has two, and older entries have no such line. */
    value_of(text, "also", r->also, sizeof(r->also));
    return value_of(text, "url", r->url, sizeof(r->url)) &&
           value_of(text, "dir", r->dir, sizeof(r->dir)) &&
           value_of(text, "data", r->data, sizeof(r->data)) && is_sound(r);
}

/* A plain file with one name that is the user's alone. */
static bool is_private(const struct stat *st)
{
    return S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
           (st->st_mode & 077) == 0 && st->st_nlink == 1 &&
           st->st_size < ENTRY_MAX;
}

/* NONBLOCK: a FIFO must not hold us up before we see that it is one. */
static bool read_entry(struct run *r, int place, const char *name)
{
    char text[ENTRY_MAX];
    struct stat st;
    ssize_t n = -1;
    int fd =
        openat(place, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd == -1)
        return false;
    if (fstat(fd, &st) == 0 && is_private(&st))
        n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return parse(r, text);
}

/* ---- does it live? ----------------------------------------------------------- */

/* When PID began, in ticks since the machine did; -1: there is none.  Field 22;
 * the second one, a name in brackets, may have anything in it. */
static int64_t ticks_of(int64_t pid)
{
    char path[40], text[1024];
    const char *p;
    size_t n = 0;
    int field;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return -1;
    n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    p = strrchr(text, ')');
    for (field = 2; p != NULL && field < 22; field++) {
        p = strchr(p, ' ');
        p += p != NULL;
    }
    return p != NULL ? strtoll(p, NULL, 10) : -1;
}

static bool lives(const struct run *r)
{
    struct stat st;

    return ticks_of(r->pid) == r->ticks && stat(r->dir, &st) == 0 &&
           S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* ---- places -------------------------------------------------------------------- */

static size_t places(char out[PLACES_MAX][RUN_PATH_MAX])
{
    const char *given = getenv("SLUICE_RUN_LIST");
    const char *own = getenv("XDG_RUNTIME_DIR");
    unsigned uid = (unsigned)geteuid();
    size_t n = 0;

    if (given != NULL && given[0] != '\0') {
        snprintf(out[0], RUN_PATH_MAX, "%s", given);
        return 1;
    }
    if (uid == 0)
        snprintf(out[n++], RUN_PATH_MAX, "/run/sluice-runs");
    if (own != NULL && own[0] == '/')
        snprintf(out[n++], RUN_PATH_MAX, "%s/sluice-runs", own);
    snprintf(out[n++], RUN_PATH_MAX, "/run/user/%u/sluice-runs", uid);
    snprintf(out[n++], RUN_PATH_MAX, "/tmp/sluice-runs-%u", uid);
    return n;
}

/* -1: it is not there, or others could have put something into it. */
static int open_place(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd != -1 && (fstat(fd, &st) == -1 || st.st_uid != geteuid() ||
                     (st.st_mode & 022) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Two places may be one, by two names. */
static bool is_known(const struct run *list, size_t n, const struct run *r)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (list[i].pid == r->pid)
            return true;
    return false;
}

/* Names that begin with a digit are entries; one that is being written does not. */
static size_t add_place(struct run *out, size_t n, size_t max, const char *path)
{
    int fd = open_place(path);
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
    struct dirent *e;

    if (dir == NULL) {
        if (fd != -1)
            close(fd);
        return n;
    }
    while (n < max && (e = readdir(dir)) != NULL)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            read_entry(&out[n], fd, e->d_name) && lives(&out[n]) &&
            !is_known(out, n, &out[n]))
            n++;
    closedir(dir);
    return n;
}

static int by_age(const void *pa, const void *pb)
{
    const struct run *a = pa, *b = pb;

    if (a->ticks != b->ticks)
        return a->ticks < b->ticks ? -1 : 1;
    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

size_t runs_list(struct run *out, size_t max)
{
    char path[PLACES_MAX][RUN_PATH_MAX];
    size_t i, n = 0, n_places = places(path);

    for (i = 0; i < n_places; i++)
        n = add_place(out, n, max, path[i]);
    qsort(out, n, sizeof(*out), by_age);
    return n;
}
