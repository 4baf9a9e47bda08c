/* Mirrors state/history_save.c and history_file.c: does history outlive the state file? */
#include "state/history_save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "state/history.h"
#include "state/stats/history_file.h"
#include "state/stats/trail_file.h"
#include "state/worker.h"

#define RECORD (sizeof(struct lay_moment) + 8)

static const char *vault_path(const struct desk *d)
{
    static char path[96];

    snprintf(path, sizeof(path), "%s/" VAULT_NAME, d->dir);
    return path;
}

static struct lay_history *history(struct desk *d, uint32_t i)
{
    return &desk_stats(d, i)->history;
}

/* A turn of all, and the end of the threads that it began. */
static void pass(struct desk *d, int64_t ms)
{
    uint32_t i;

    desk_pass(d, ms);
    for (i = 0; i < DESK_WORKERS; i++)
        if (d->w[i] != NULL)
            history_save_wait(d->w[i]);
}

/* Turns until nobody is at worker I's history, and nobody has to be: what was
 * set aside is followed by a new one. */
static void until_free(struct desk *d, uint32_t i)
{
    int turns = 0;

    do
        pass(d, 1);
    while ((history(d, i)->owner != 0 || history(d, i)->due_ns <= d->now) &&
           ++turns < 1000);
    CU_ASSERT_EQUAL(history(d, i)->owner, 0);
}

/* The same until it has what the disk knew. */
static void until_idle(struct desk *d, uint32_t i)
{
    until_free(d, i);
    CU_ASSERT_EQUAL(history(d, i)->filled, 1);
}

static struct desk *desk_that_keeps(int64_t every_ns)
{
    struct desk *d = desk_of(1, 100);

    limiter_keep(d->w[0], d->dir, every_ns);
    until_idle(d, 0);
    return d;
}

static void send_some(struct desk *d, uint32_t n)
{
    for (; n > 0; n--) {
        struct ask *a = desk_ask(d, 0, NULL);

        desk_turn(d);
        desk_sent(a);
        desk_turn(d);
        desk_done(a, false);
        desk_turn(d);
    }
}

static void start_anew(struct desk *d)
{
    desk_begin_anew(d, 1);
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    until_idle(d, 0);
}

/* The same with a second worker, which has begun to read it. */
static void start_with_a_reader(struct desk *d)
{
    send_some(d, 5);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 2);
    limiter_keep(d->w[1], d->dir, 600 * NS_PER_S);
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(history(d, 0)->owner, d->w[1]->seat + 1);
}

static void save_now(struct desk *d)
{
    history(d, 0)->due_ns = 0;
    until_idle(d, 0);
}

static uint64_t kept_sends(struct desk *d, uint32_t ring)
{
    const struct history_ring *r = &history_rings[ring];
    uint64_t n = 0;
    uint32_t i;

    for (i = r->first; i < r->first + r->n; i++) {
        const struct lay_moment *m = &history(d, 0)->moments[i];

        CU_ASSERT_TRUE(m->begin == 0 || rings_belongs(m, i));
        n += m->begin != 0 ? m->sends : 0;
    }
    return n;
}

static void check_sends(struct desk *d, uint64_t n)
{
    uint32_t ring;

    for (ring = 0; ring < HISTORY_RINGS; ring++)
        CU_ASSERT_EQUAL(kept_sends(d, ring), n);
}

static off_t vault_size(struct desk *d)
{
    struct stat st;

    CU_ASSERT_EQUAL_FATAL(stat(vault_path(d), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    return st.st_size;
}

/* Writes N bytes of noise at AT. */
static void scribble(struct desk *d, off_t at, size_t n)
{
    int fd = open(vault_path(d), O_WRONLY | O_CLOEXEC);

    CU_ASSERT_FATAL(fd != -1);
    for (; n > 0; n--, at++) {
        unsigned char c = (unsigned char)lab_random(256);

        CU_ASSERT_EQUAL(pwrite(fd, &c, 1, at), 1);
    }
    close(fd);
}

/* ---- what is kept -------------------------------------------------------------- */

static void what_was_saved_is_there_after_a_kill(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    off_t size;

    send_some(d, 5);
    desk_pass(d, 2000);
    send_some(d, 6);
    save_now(d);
    size = vault_size(d);
    send_some(d, 7); /* not saved */
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 11);
    send_some(d, 4); /* the same hour goes on */
    save_now(d);
    CU_ASSERT_EQUAL(vault_size(d), size);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 15);
    desk_free(d);
}

static void it_is_saved_when_its_time_comes(void)
{
    struct desk *d = desk_that_keeps(5 * NS_PER_S);
    uint32_t i;

    send_some(d, 3);
    for (i = 0; i < 8; i++)
        pass(d, 1000);
    until_idle(d, 0);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 3);
    desk_free(d);
}

static void a_clean_stop_saves_all(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);

    send_some(d, 9);
    limiter_close(d->w[0]);
    start_anew(d);
    check_sends(d, 9);
    desk_free(d);
}

static void a_file_that_is_lost_is_written_whole_again(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);

    send_some(d, 2);
    save_now(d);
    desk_pass(d, 3000);
    CU_ASSERT_EQUAL(unlink(vault_path(d)), 0);
    send_some(d, 1);
    save_now(d); /* finds that it is new */
    save_now(d);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 3);
    desk_free(d);
}

static void a_dead_reader_holds_up_nobody(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);

    start_with_a_reader(d);
    desk_kill(d, 1);
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    desk_pass(d, 1000);
    until_idle(d, 0);
    check_sends(d, 5);
    desk_free(d);
}

/* A stopped one comes back late, and another one did it meanwhile. */
static void a_late_reader_adds_nothing(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    int turns;

    start_with_a_reader(d);
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    d->now += 60 * NS_PER_S; /* far beyond its lease */
    for (turns = 0; turns < 1000 && !history(d, 0)->filled; turns++) {
        d->now += NS_PER_MS;
        (void)limiter_turn(d->w[0], d->now);
        history_save_wait(d->w[0]);
    }
    check_sends(d, 5);
    desk_pass(d, 1000); /* now the other one's turn */
    desk_pass(d, 1000);
    check_sends(d, 5);
    desk_free(d);
}

/* ---- what is broken ------------------------------------------------------------- */

static void a_torn_record_costs_only_itself(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    uint32_t hour;

    send_some(d, 5);
    save_now(d);
    hour = rings_place(&history_rings[2], history(d, 0)->now_s);
    desk_kill(d, 0);
    scribble(d, (off_t)((hour + 1) * RECORD + 100), 60);
    start_anew(d);
    CU_ASSERT_EQUAL(kept_sends(d, 0), 5);
    CU_ASSERT_EQUAL(kept_sends(d, 1), 5);
    CU_ASSERT_EQUAL(kept_sends(d, 2), 0);
    desk_free(d);
}

static void noise_on_the_disk_hurts_no_one(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    uint32_t round;

    send_some(d, 5);
    save_now(d);
    desk_kill(d, 0);
    for (round = 0; round < 8; round++) {
        off_t size = vault_size(d);

        /* In the head every other time, else beyond it. */
        scribble(d,
                 round % 2 == 0 ? (off_t)RECORD + (off_t)lab_random(9999) : 0,
                 4000);
        scribble(d, (off_t)lab_random((uint32_t)size - 20000), 20000);
        start_anew(d);
        CU_ASSERT_TRUE(kept_sends(d, 1) <= 5);
        save_now(d);
        CU_ASSERT_EQUAL(vault_size(d), size);
        desk_kill(d, 0);
    }
    start_anew(d);
    desk_free(d);
}

static uint32_t times_logged(const struct desk *d, const char *event)
{
    const char *p = d->log;
    uint32_t n = 0;

    for (; (p = strstr(p, event)) != NULL; p++)
        n++;
    return n;
}

static mode_t kind_aside(const struct desk *d)
{
    char path[128];
    struct stat st;

    snprintf(path, sizeof(path), "%s/" VAULT_ASIDE_NAME, d->dir);
    return lstat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

/* Whatever is at its name and is no history is kept, said and counted. */
static void something_else_at_its_name_is_set_aside(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    off_t size;

    send_some(d, 5);
    save_now(d);
    size = vault_size(d);
    CU_ASSERT_EQUAL(kind_aside(d), 0);
    CU_ASSERT_EQUAL(truncate(vault_path(d), size / 2), 0);
    save_now(d);
    CU_ASSERT_EQUAL(vault_size(d), size);
    CU_ASSERT_EQUAL(kind_aside(d), S_IFREG);
    CU_ASSERT_EQUAL(unlink(vault_path(d)), 0);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", vault_path(d)), 0);
    save_now(d);
    CU_ASSERT_EQUAL(vault_size(d), size); /* the link went, not what it names */
    CU_ASSERT_EQUAL(kind_aside(d), S_IFLNK);
    CU_ASSERT_EQUAL(unlink(vault_path(d)), 0);
    CU_ASSERT_EQUAL(mkdir(vault_path(d), 0700), 0);
    save_now(d);
    CU_ASSERT_EQUAL(vault_size(d), size);
    CU_ASSERT_EQUAL(kind_aside(d), S_IFDIR);
    CU_ASSERT_EQUAL(times_logged(d, "history"), 3);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.histories_aside, 3);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 5);
    /* Also if it is found at the start. */
    desk_kill(d, 0);
    scribble(d, 8, 100);
    start_anew(d);
    check_sends(d, 0);
    CU_ASSERT_EQUAL(kind_aside(d), S_IFREG);
    CU_ASSERT_EQUAL(times_logged(d, "history"), 4);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.histories_aside, 1);
    desk_free(d);
}

/* The last worker that ends finds it damaged: all it knows is saved anew. */
static void a_stop_saves_all_over_a_damaged_file(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);

    send_some(d, 5);
    save_now(d);
    desk_pass(d, 3000);
    send_some(d, 4);
    scribble(d, 0, 8);
    limiter_close(d->w[0]);
    CU_ASSERT_EQUAL(times_logged(d, "history"), 1);
    start_anew(d);
    check_sends(d, 9);
    desk_free(d);
}

/* ---- what cannot be read ---------------------------------------------------- */

/* So that one more descriptor can be had, of which the directory's is one, and
 * none for the file in it. */
static struct rlimit leave_one_descriptor(void)
{
    struct rlimit old, low;
    int next = dup(STDERR_FILENO);

    CU_ASSERT_FATAL(next != -1);
    close(next);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = (rlim_t)next + 1;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &low), 0);
    return old;
}

/* Nothing is lost: it is read later, and nothing is saved over it before. */
static void what_cannot_be_read_now_is_read_later(void)
{
    static const int64_t pauses_s[] = {2, 4, 8, 16, 32, 64, 64, 64};
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    struct lay_history *h;
    struct rlimit old;
    uint32_t i;

    send_some(d, 5);
    limiter_close(d->w[0]);
    desk_begin_anew(d, 1);
    h = history(d, 0);
    old = leave_one_descriptor();
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    for (i = 0; i < sizeof(pauses_s) / sizeof(*pauses_s); i++) {
        until_free(d, 0);
        CU_ASSERT_EQUAL(h->filled, 0);
        CU_ASSERT_TRUE(h->due_ns > d->now + (pauses_s[i] - 1) * NS_PER_S);
        CU_ASSERT_TRUE(h->due_ns <= d->now + pauses_s[i] * NS_PER_S);
        desk_pass(d, (h->due_ns - d->now) / NS_PER_MS + 1);
    }
    CU_ASSERT_EQUAL(times_logged(d, "history"), 1);
    send_some(d, 2);
    limiter_close(d->w[0]); /* nor at the end */
    d->w[0] = NULL;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    desk_open(d, 0);
    limiter_keep(d->w[0], d->dir, 600 * NS_PER_S);
    history(d, 0)->due_ns = 0;
    until_idle(d, 0);
    check_sends(d, 7);
    CU_ASSERT_EQUAL(history(d, 0)->failures, 0);
    CU_ASSERT_EQUAL(kind_aside(d), 0);
    save_now(d);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 7);
    desk_free(d);
}

/* Nor when it is to be written. */
static void what_cannot_be_opened_is_not_begun_anew(void)
{
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    struct rlimit old;

    send_some(d, 5);
    save_now(d);
    desk_pass(d, 3000);
    send_some(d, 2);
    old = leave_one_descriptor();
    save_now(d);
    CU_ASSERT_EQUAL(times_logged(d, "history"), 1);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
    save_now(d);
    desk_kill(d, 0);
    start_anew(d);
    check_sends(d, 7);
    desk_free(d);
}

static void a_directory_that_cannot_be_is_said_once(void)
{
    struct desk *d = desk_of(2, 100);
    char path[128];
    uint32_t i;

    snprintf(path, sizeof(path), "%s/none/data", d->dir);
    limiter_keep(d->w[0], path, NS_PER_S);
    limiter_keep(d->w[1], path, NS_PER_S);
    for (i = 0; i < 5; i++) {
        history(d, 0)->due_ns = 0;
        until_free(d, 0);
        send_some(d, 1);
    }
    CU_ASSERT_EQUAL(times_logged(d, "history"), 1);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    check_sends(d, 5);
    /* It can be made now, and nothing was forgotten. */
    snprintf(path, sizeof(path), "%s/none", d->dir);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    save_now(d);
    save_now(d);
    snprintf(path, sizeof(path), "%s/none/data/" VAULT_NAME, d->dir);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(history(d, 0)->mute, 0);
    limiter_close(d->w[0]);
    limiter_close(d->w[1]);
    d->w[0] = d->w[1] = NULL;
    CU_ASSERT_EQUAL(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/none/data/" TRAIL_FILE_NAME, d->dir);
    CU_ASSERT_EQUAL(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/none/data/" VAULT_LOCK_NAME, d->dir);
    CU_ASSERT_EQUAL(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/none/data", d->dir);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    desk_free(d);
}

/* It is looked at only after a crash, and used every minute. */
static void noise_in_the_times_hurts_no_one(void)
{
    static const int64_t noise[] = {INT64_MAX, INT64_MIN, INT64_MAX / 2, -1};
    struct desk *d = desk_that_keeps(600 * NS_PER_S);
    size_t i;

    send_some(d, 3);
    for (i = 0; i < 4 * 4; i++) {
        struct lay_history *h = history(d, 0);

        *(i % 4 == 0   ? &h->to_s
          : i % 4 == 1 ? &h->from_s
          : i % 4 == 2 ? &h->saving_to_s
                       : &h->saving_from_s) = noise[i / 4];
        save_now(d);
    }
    send_some(d, 2);
    check_sends(d, 5);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"what was saved is there after a kill",
     what_was_saved_is_there_after_a_kill},
    {"it is saved when its time comes", it_is_saved_when_its_time_comes},
    {"a clean stop saves all", a_clean_stop_saves_all},
    {"a file that is lost is written whole again",
     a_file_that_is_lost_is_written_whole_again},
    {"a dead reader holds up nobody", a_dead_reader_holds_up_nobody},
    {"a late reader adds nothing", a_late_reader_adds_nothing},
    {"a torn record costs only itself", a_torn_record_costs_only_itself},
    {"noise on the disk hurts no one", noise_on_the_disk_hurts_no_one},
    {"noise in the times hurts no one", noise_in_the_times_hurts_no_one},
    {"something else at its name is set aside",
     something_else_at_its_name_is_set_aside},
    {"a stop saves all over a damaged file",
     a_stop_saves_all_over_a_damaged_file},
    {"what cannot be read now is read later",
     what_cannot_be_read_now_is_read_later},
    {"what cannot be opened is not begun anew",
     what_cannot_be_opened_is_not_begun_anew},
    {"a directory that cannot be is said once",
     a_directory_that_cannot_be_is_said_once},
    {NULL, NULL},
};

CU_ErrorCode test_history_save_add(void)
{
    return unit_add("keep", tests);
}
