/* Mirrors state/attach.c, alive.c and wake.c: who is the first in the
 * directory, and what if it is another one later?  Lost files are in
 * test_lost.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "state/file/alive.h"
#include "state/worker.h"

static int flock_passes; /* the next so many calls; then so many fail */
static int flock_fails, flock_error;

static const char *flock_guard; /* is it locked during all other calls? */
static uint32_t flock_calls, flock_bare;

static void look_at_guard(int fd)
{
    int guard = open(flock_guard, O_RDWR | O_CLOEXEC);
    struct stat other, st;

    if (guard != -1 && fstat(guard, &st) == 0 && fstat(fd, &other) == 0 &&
        st.st_ino == other.st_ino) {
        close(guard);
        return;
    }
    flock_calls++;
    if (guard == -1 || syscall(SYS_flock, guard, LOCK_EX | LOCK_NB) == 0)
        flock_bare++;
    if (guard != -1)
        close(guard);
}

/* In place of the C library's. */
int flock(int fd, int operation)
{
    if (flock_guard != NULL)
        look_at_guard(fd);
    if (flock_passes > 0) {
        flock_passes--;
    } else if (flock_fails > 0) {
        flock_fails--;
        errno = flock_error;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* Opens a worker in an empty directory while flock() fails N times, but for the
 * first, which is for the turn to start. */
static int open_failing(struct desk *d, int n, int error, char err[256])
{
    int rc;

    flock_passes = 1;
    flock_fails = n;
    flock_error = error;
    rc = limiter_open(&d->w[0], d->dir, NULL, &d->set, d->now, NULL, NULL, err,
                      256);
    flock_fails = 0;
    return rc;
}

/* It is the first all the same: no window of its is full. */
static void an_interrupted_lock_is_taken_again(void)
{
    struct desk *d = desk_new(4);
    char err[256] = "";
    struct ask *a;

    CU_ASSERT_EQUAL_FATAL(open_failing(d, 1, EINTR, err), 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

static void a_lock_that_cannot_be_had_stops_the_start(void)
{
    struct desk *d = desk_new(4);
    char err[256] = "";

    CU_ASSERT_EQUAL(open_failing(d, 1, ENOLCK, err), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "flock"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, strerror(ENOLCK)));
    CU_ASSERT_EQUAL(access(desk_file(d), F_OK), -1);
    d->w[0] = NULL;
    desk_free(d);
}

/* The directory gets another name, and what it had goes with it. */
static const char *move_away(const struct desk *d)
{
    static char away[128];

    snprintf(away, sizeof(away), "%s.away", d->dir);
    CU_ASSERT_EQUAL_FATAL(rename(d->dir, away), 0);
    return away;
}

static void remove_away(const char *away)
{
    struct desk *d = desk_new(1);

    (void)rmdir(d->dir);
    strcpy(d->dir, away);
    desk_free(d);
}

/* ---- sockets --------------------------------------------------------------- */

static const char *socket_path(const struct desk *d, uint32_t i)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/" WAKE_PREFIX "%016lx", d->dir,
             (unsigned long)d->w[i]->wake.address);
    return path;
}

static bool is_poked(const struct desk *d, uint32_t i)
{
    struct pollfd p = {limiter_fd(d->w[i]), POLLIN, 0};

    return poll(&p, 1, 0) == 1;
}

/* Worker 1 is offered a slot by worker 0, is told of it at once, and has it
 * then. */
static void check_hears(struct desk *d)
{
    struct ask *a = desk_ask(d, 0, NULL), *b;

    desk_turn(d);
    b = desk_ask(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL_FATAL(a->grants, 1);
    CU_ASSERT_FALSE(is_poked(d, 1));
    desk_done(a, true);
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_TRUE(is_poked(d, 1));
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_FALSE(is_poked(d, 1));
    desk_done(b, true);
    desk_turn(d);
}

static void a_socket_that_was_removed_is_made_anew(void)
{
    struct desk *d = desk_of(2, 1);

    CU_ASSERT_EQUAL(unlink(socket_path(d, 1)), 0);
    desk_pass(d, 1000);
    CU_ASSERT_TRUE(desk_has_logged(d, "wake_lost"));
    CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
    check_hears(d);
    desk_free(d);
}

/* It moves to another file first; to the other one it looks dead until then. */
static void who_moves_first_keeps_its_socket(void)
{
    struct desk *d = desk_of(2, 1);

    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    d->now += NS_PER_S;
    (void)limiter_turn(d->w[0], d->now);
    d->w[1]->checked_ns = d->now; /* it has not come to look at the path yet */
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_TRUE(desk_has_logged(d, "worker_swept"));
    CU_ASSERT_EQUAL(access(socket_path(d, 0), F_OK), 0);
    desk_free(d);
}

static void what_a_dead_worker_left_is_removed(void)
{
    struct desk *d = desk_of(2, 1);
    char path[128];

    strcpy(path, socket_path(d, 1));
    d->w[1]->wake.address ^= 1; /* so that its end leaves the name */
    desk_kill(d, 1);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    desk_pass(d, 1000);
    CU_ASSERT_TRUE(desk_has_logged(d, "worker_swept"));
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    desk_free(d);
}

/* A file, or another socket: it leads to nobody who listens. */
static void a_socket_whose_name_another_has_is_made_anew(void)
{
    struct desk *d = desk_of(2, 1);

    CU_ASSERT_EQUAL(unlink(socket_path(d, 1)), 0);
    CU_ASSERT_EQUAL(mknod(socket_path(d, 1), S_IFREG | 0600, 0), 0);
    desk_pass(d, 1000);
    check_hears(d);
    desk_free(d);
}

static void a_socket_of_a_directory_that_was_moved_is_made_anew(void)
{
    struct desk *d = desk_of(2, 1);
    const char *away = move_away(d);

    desk_pass(d, 1000);
    desk_pass(d, 62000);
    check_hears(d);
    desk_free(d);
    remove_away(away);
}

/* ---- the directory ----------------------------------------------------------- */

static void use_data_dir(struct desk *d)
{
    snprintf(d->data_dir, sizeof(d->data_dir), "%s.data", d->dir);
}

static void remove_data_dir(struct desk *d)
{
    char file[128];

    snprintf(file, sizeof(file), "%s/" ALIVE_NAME, d->data_dir);
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(rmdir(d->data_dir), 0);
}

static uint32_t grants(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

static void ask_for(struct desk *d, uint32_t worker, uint32_t n)
{
    while (n-- > 0)
        (void)desk_ask(d, worker, NULL);
}

/* Worker 0 used the window up; worker 1 starts when the directory was moved.
 * Nobody sends before that window is over, and then both have one together. */
static void check_one_limiter(struct desk *d)
{
    CU_ASSERT_EQUAL(grants(d), 4);
    CU_ASSERT_EQUAL(d->w[0]->file.ino, d->w[1]->file.ino);
    CU_ASSERT_EQUAL(d->w[0]->file.dev, d->w[1]->file.dev);
    desk_pass(d, 59000);
    CU_ASSERT_EQUAL(grants(d), 4);
    desk_pass(d, 4000);
    CU_ASSERT_EQUAL(grants(d), 8);
    CU_ASSERT_EQUAL(desk_layout(d, 1)->scopes[0].open, 4);
}

static void use_window_up(struct desk *d)
{
    desk_open(d, 0);
    ask_for(d, 0, 4);
    desk_turn(d);
    desk_finish(d);
    CU_ASSERT_EQUAL(grants(d), 4);
    ask_for(d, 0, 4);
    desk_turn(d);
}

static void who_starts_where_the_directory_was_moved_takes_windows_as_full(void)
{
    struct desk *d = desk_new(4);
    const char *away;

    use_data_dir(d);
    use_window_up(d);
    away = move_away(d);
    desk_open(d, 1);
    ask_for(d, 1, 4);
    (void)limiter_turn(d->w[1], d->now); /* before worker 0 looks again */
    CU_ASSERT_EQUAL(grants(d), 4);
    desk_pass(d, 1000);
    check_one_limiter(d);
    remove_data_dir(d);
    desk_free(d);
    remove_away(away);
}

/* It may have sent before we came, which cannot be helped; but not after. */
static void who_comes_from_a_moved_directory_tells_that_windows_are_full(void)
{
    struct desk *d = desk_new(4);
    const char *away;

    use_window_up(d);
    away = move_away(d);
    d->now += 100 * NS_PER_MS; /* no file is as old as another */
    desk_open(d, 1);
    desk_pass(d, 1000);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
    ask_for(d, 1, 4);
    desk_turn(d);
    check_one_limiter(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 0);
    desk_free(d);
    remove_away(away);
}

/* What it was granted in the file it comes from counts in no other, and the
 * others have used this one. */
static void who_comes_from_a_moved_directory_writes_no_grant_of_there(void)
{
    struct desk *d = desk_new(1);
    const char *away;
    struct ask *a, *b;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    away = move_away(d);
    d->now += 100 * NS_PER_MS;
    desk_open(d, 1);
    d->now += 30 * NS_PER_S; /* worker 0 is stopped */
    b = desk_ask(d, 1, NULL);
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_done(b, false);
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_FALSE(limiter_may_write(d->w[0], a->ticket, d->now));
    desk_turn(d); /* and after it knows */
    CU_ASSERT_EQUAL(d->w[0]->file.ino, d->w[1]->file.ino);
    CU_ASSERT_FALSE(limiter_may_write(d->w[0], a->ticket, d->now));
    desk_free(d);
    remove_away(away);
}

/* Nobody starts: all of them go to a new one, with what they have. */
static void workers_make_the_directory_that_was_moved(void)
{
    struct desk *d = desk_new(4);
    const char *away;

    desk_open(d, 1);
    use_window_up(d);
    away = move_away(d);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(access(desk_file(d), F_OK), 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 4);
    check_one_limiter(d);
    desk_free(d);
    remove_away(away);
}

/* Another directory that nobody could use: nothing more goes by the old one. */
static void nothing_is_granted_while_the_path_leads_to_a_stranger(void)
{
    struct desk *d = desk_new(4);
    const char *away;

    desk_open(d, 0);
    away = move_away(d);
    CU_ASSERT_EQUAL(mkdir(d->dir, 0700), 0);
    CU_ASSERT_EQUAL(chmod(d->dir, 0777), 0);
    desk_pass(d, 1000);
    ask_for(d, 0, 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(grants(d), 0);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_unavailable"));
    CU_ASSERT_EQUAL(rmdir(d->dir), 0);
    desk_pass(d, 50);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(grants(d), 1);
    desk_free(d);
    remove_away(away);
}

/* By mistake.  Each has its own windows, the second one's are full at first. */
static void two_that_share_a_data_directory_work(void)
{
    struct desk *d = desk_new(4), *e = desk_new(4);

    use_data_dir(d);
    strcpy(e->data_dir, d->data_dir);
    use_window_up(d);
    desk_open(e, 0);
    ask_for(e, 0, 4);
    desk_turn(e);
    CU_ASSERT_EQUAL(grants(e), 0);
    desk_pass(e, 62000);
    CU_ASSERT_EQUAL(grants(e), 4);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(grants(d), 8);
    desk_free(e);
    remove_data_dir(d);
    desk_free(d);
}

#define TOGETHER 8

/* Waits for GO, opens, says so, and lives until END. */
static void start_with_others(struct desk *d, int go, int done, int end)
{
    char byte = 0;

    (void)!read(go, &byte, 1);
    desk_open(d, 0);
    (void)!write(done, &byte, 1);
    (void)!read(end, &byte, 1);
    _exit(0);
}

/* As under every web server: none is the others' stranger. */
static void those_that_start_together_know_each_other(void)
{
    int round, i;

    for (round = 0; round < 10; round++) {
        struct desk *d = desk_new(4);
        int go[2], done[2], end[2];
        char byte;

        use_data_dir(d);
        CU_ASSERT_EQUAL_FATAL(pipe(go) | pipe(done) | pipe(end), 0);
        for (i = 0; i < TOGETHER; i++)
            if (fork() == 0) {
                close(go[1]);
                close(end[1]);
                start_with_others(d, go[0], done[1], end[0]);
            }
        close(go[1]);
        close(done[1]);
        for (i = 0; i < TOGETHER; i++)
            CU_ASSERT_EQUAL(read(done[0], &byte, 1), 1);
        desk_open(d, 0);
        CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 0);
        CU_ASSERT_TRUE(desk_layout(d, 0)->live.lost_ns[0] == 0);
        close(end[1]);
        for (i = 0; i < TOGETHER; i++)
            (void)wait(NULL);
        close(go[0]);
        close(done[0]);
        close(end[0]);
        remove_data_dir(d);
        desk_free(d);
    }
}

/* What a start asks of the locks, and says by them, is one question. */
static void one_starts_at_a_time(void)
{
    struct desk *d = desk_new(4);
    char guard[128], err[256];
    uint32_t i;

    use_data_dir(d);
    snprintf(guard, sizeof(guard), "%s/.start.lock", d->dir);
    for (i = 0; i < 2; i++) {
        flock_guard = guard;
        flock_calls = flock_bare = 0;
        CU_ASSERT_EQUAL_FATAL(limiter_open(&d->w[i], d->dir, d->data_dir,
                                           &d->set, d->now, NULL, NULL, err,
                                           sizeof(err)),
                              0);
        flock_guard = NULL;
        CU_ASSERT_TRUE(flock_calls > 2);
        CU_ASSERT_EQUAL(flock_bare, 0);
    }
    remove_data_dir(d);
    desk_free(d);
}

/* As at a start after all have ended: killed, too, for the lock goes. */
static void the_first_one_is_held_up_by_nobody(void)
{
    struct desk *d = desk_new(4);

    use_data_dir(d);
    desk_open(d, 0);
    desk_kill(d, 0);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_open(d, 0);
    ask_for(d, 0, 4);
    desk_turn(d);
    CU_ASSERT_EQUAL(grants(d), 4);
    remove_data_dir(d);
    desk_free(d);
}

/* The state's own, as with make run; one that is none; one of somebody else. */
static void a_data_directory_that_tells_nothing_holds_nobody_up(void)
{
    static const char *const none[] = {"", "/proc/none/data", "/dev/null",
                                       "/tmp"};
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(none); i++) {
        struct desk *d = desk_new(4);

        strcpy(d->data_dir, none[i][0] != '\0' ? none[i] : d->dir);
        desk_open(d, 0);
        CU_ASSERT_EQUAL(d->w[0]->alive, -1);
        ask_for(d, 0, 4);
        desk_turn(d);
        CU_ASSERT_EQUAL(grants(d), 4);
        desk_free(d);
    }
}

/* The state stays; the service is as old as its first worker. */
static void what_comes_back_is_as_young_as_it_is(void)
{
    struct desk *d = desk_new(4);

    desk_open(d, 0);
    desk_turn(d);
    desk_pass(d, 5000);
    CU_ASSERT_EQUAL(limiter_uptime_ns(d->w[0], d->now), 5 * NS_PER_S);
    limiter_close(d->w[0]);
    d->w[0] = NULL;
    d->now += 15 * NS_PER_S;
    desk_open(d, 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(limiter_uptime_ns(d->w[0], d->now), 0);
    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(limiter_uptime_ns(d->w[0], d->now), 2 * NS_PER_S);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"what comes back is as young as it is",
     what_comes_back_is_as_young_as_it_is},
    {"an interrupted lock is taken again", an_interrupted_lock_is_taken_again},
    {"a lock that cannot be had stops the start",
     a_lock_that_cannot_be_had_stops_the_start},
    {"a socket that was removed is made anew",
     a_socket_that_was_removed_is_made_anew},
    {"who moves first keeps its socket", who_moves_first_keeps_its_socket},
    {"what a dead worker left is removed", what_a_dead_worker_left_is_removed},
    {"a socket whose name another has is made anew",
     a_socket_whose_name_another_has_is_made_anew},
    {"a socket of a directory that was moved is made anew",
     a_socket_of_a_directory_that_was_moved_is_made_anew},
    {"who starts where the directory was moved takes windows as full",
     who_starts_where_the_directory_was_moved_takes_windows_as_full},
    {"who comes from a moved directory tells that windows are full",
     who_comes_from_a_moved_directory_tells_that_windows_are_full},
    {"who comes from a moved directory writes no grant of there",
     who_comes_from_a_moved_directory_writes_no_grant_of_there},
    {"workers make the directory that was moved",
     workers_make_the_directory_that_was_moved},
    {"nothing is granted while the path leads to a stranger",
     nothing_is_granted_while_the_path_leads_to_a_stranger},
    {"two that share a data directory work",
     two_that_share_a_data_directory_work},
    {"one starts at a time", one_starts_at_a_time},
    {"those that start together know each other",
     those_that_start_together_know_each_other},
    {"the first one is held up by nobody", the_first_one_is_held_up_by_nobody},
    {"a data directory that tells nothing holds nobody up",
     a_data_directory_that_tells_nothing_holds_nobody_up},
    {NULL, NULL},
};

CU_ErrorCode test_attach_add(void)
{
    return unit_add("attach", tests);
}
