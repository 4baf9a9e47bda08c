/* Mirrors state/file/state_file.c: what a start does with what it finds, row by row. */
#include "state/file/state_dir.h"
#include "state/file/state_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "lib/boottime.h"
#include "lib/file_lock.h"
#include "lib/sigbus.h"
#include "state/policy/admit.h"
#include "state/policy/limits.h"

#define SIZE ((off_t)sizeof(struct layout))

struct start {
    struct desk *d; /* for its directory */
    struct file_open o;
    struct state_file f;
    bool recovered;
    char note[256];
};

static void start_init(struct start *s)
{
    memset(s, 0, sizeof(*s));
    sigbus_init();
    s->d = desk_new(4);
    s->o = (struct file_open){
        .dir = file_open_dir(s->d->dir, s->note, sizeof(s->note)),
        .cold = true,
        .now = LAB_T0,
        .recovered = &s->recovered,
        .note = s->note,
        .note_max = sizeof(s->note),
    };
    CU_ASSERT_NOT_EQUAL_FATAL(s->o.dir, -1);
    s->f.fd = -1;
}

static enum file_result attach(struct start *s)
{
    file_close(&s->f);
    return file_attach(&s->f, &s->o);
}

static void start_fini(struct start *s)
{
    file_close(&s->f);
    close(s->o.dir);
    desk_free(s->d);
}

/* A sound file with a mark that a new one does not have. */
static void make_marked(struct start *s)
{
    CU_ASSERT_EQUAL_FATAL(attach(s), FILE_OK);
    s->f.lay->live.last_grant = 42;
    s->recovered = false;
}

static bool is_marked(const struct start *s)
{
    return s->f.lay->live.last_grant == 42;
}

/* One byte of the file, by its place in the layout. */
static void scribble(const struct start *s, size_t at, char value)
{
    int fd = open(desk_file(s->d), O_RDWR | O_CLOEXEC);

    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    CU_ASSERT_EQUAL(pwrite(fd, &value, 1, (off_t)at), 1);
    close(fd);
}

/* FNV-1a over what comes before it. */
static void sign(struct lay_head *h)
{
    const unsigned char *p = (const unsigned char *)h;
    size_t n = offsetof(struct lay_head, checksum);

    for (h->checksum = 2166136261u; n > 0; n--, p++)
        h->checksum = (h->checksum ^ *p) * 16777619u;
}

/* What was found is replaced: another file, no mark, windows full, counted. */
static void expect_replaced(struct start *s)
{
    ino_t before = s->f.ino;

    CU_ASSERT_EQUAL_FATAL(attach(s), FILE_OK);
    CU_ASSERT_NOT_EQUAL(s->f.ino, before);
    CU_ASSERT_FALSE(is_marked(s));
    CU_ASSERT_TRUE(s->f.lay->live.lost_ns[0] >= LAB_T0);
    CU_ASSERT_TRUE(s->recovered);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->note, "was replaced"));
    lab_is_settled(s->f.lay);
}

static void expect_refused(struct start *s, const char *because)
{
    CU_ASSERT_EQUAL(attach(s), FILE_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->note, because));
}

/* ---- used, made ---------------------------------------------------------- */

static void no_file_a_new_one_as_old_as_the_machine(void)
{
    struct start s;
    struct stat st;
    int64_t when;

    start_init(&s);
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_EQUAL(s.note[0], '\0');
    CU_ASSERT_EQUAL(stat(desk_file(s.d), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(st.st_blocks * 512 >= SIZE, true);
    s.f.lay->rules[0] = lab_lay_rules(4, 60, 500);
    CU_ASSERT_FALSE(admit_now(s.f.lay, 0, TAKE_ONE, 60 * NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, 60500 * NS_PER_MS); /* full until then */
    CU_ASSERT_TRUE(admit_now(s.f.lay, 0, TAKE_ONE, 60500 * NS_PER_MS, &when));
    start_fini(&s);
}

static void a_sound_file_is_used_as_it_is(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_TRUE(is_marked(&s));
    CU_ASSERT_EQUAL(s.note[0], '\0');
    start_fini(&s);
}

static void a_file_gone_while_others_live_leaves_full_windows(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL(unlink(desk_file(s.d)), 0);
    s.o.cold = false;
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= LAB_T0);
    CU_ASSERT_TRUE(s.recovered);
    start_fini(&s);
}

static void a_file_of_another_boot_is_replaced(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    s.f.lay->head.boot_id[3] ^= 1;
    sign(&s.f.lay->head);
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_FALSE(is_marked(&s));
    CU_ASSERT_EQUAL(s.f.lay->live.lost_ns[0], 0); /* the rule of up-time */
    CU_ASSERT_PTR_NOT_NULL(strstr(s.note, "another boot"));
    start_fini(&s);
}

/* Its times mean nothing here; who may have sent by it, nobody knows. */
static void a_file_of_another_clock_that_nobody_uses_is_replaced(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    s.f.lay->head.time_ns ^= 1;
    s.f.lay->head.created_ns = INT64_MAX; /* no damage: it is another clock */
    sign(&s.f.lay->head);
    expect_replaced(&s);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.note, "time namespace"));
    start_fini(&s);
}

static void a_file_of_another_clock_that_workers_use_is_left_to_them(void)
{
    struct start s;
    struct state_file theirs;

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_TRUE(file_lock_claim_seat(s.f.fd, 7));
    s.f.lay->head.time_ns ^= 1;
    sign(&s.f.lay->head);
    theirs = s.f;
    s.f = (struct state_file){.fd = -1};
    s.o.cold = false;
    expect_refused(&s, "another time namespace");
    s.o.had_created_ns = theirs.head.created_ns; /* also by who lost another */
    expect_refused(&s, "another time namespace");
    CU_ASSERT_TRUE(file_is_current(&theirs, s.o.dir));
    CU_ASSERT_EQUAL(theirs.lay->live.retired, 0);
    CU_ASSERT_EQUAL(theirs.lay->live.last_grant, 42);
    file_close(&theirs);
    start_fini(&s);
}

static void where_others_send_by_another_file_windows_are_full(void)
{
    struct start s;

    start_init(&s);
    s.o.elsewhere = true;
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK); /* there is none */
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= LAB_T0);
    CU_ASSERT_FALSE(s.recovered);
    s.f.lay->live.lost_ns[0] = s.f.lay->live.quota_lost_ns = 0;
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK); /* a sound one */
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= LAB_T0);
    CU_ASSERT_TRUE(s.f.lay->live.quota_lost_ns >= LAB_T0);
    s.f.lay->head.boot_id[3] ^= 1;
    sign(&s.f.lay->head);
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK); /* one of another boot */
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= LAB_T0);
    start_fini(&s);
}

/* It was read, then the worker was stopped, and the others went on sending. */
static void a_loss_is_as_late_as_its_file_not_as_the_clock_that_was_read(void)
{
    struct start s;
    int64_t before;

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL(unlink(desk_file(s.d)), 0);
    s.o.cold = false;
    before = boottime_ns();
    s.o.now = before - 100 * NS_PER_S;
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= before);
    CU_ASSERT_TRUE(s.f.lay->live.quota_lost_ns >= before);
    CU_ASSERT_TRUE(s.f.lay->live.now_ns >= before);
    CU_ASSERT_TRUE(s.f.lay->head.created_ns >= before);
    CU_ASSERT_EQUAL(ftruncate(s.f.fd, 0), 0); /* damaged: replaced */
    CU_ASSERT_EQUAL_FATAL(attach(&s), FILE_OK);
    CU_ASSERT_TRUE(s.f.lay->live.lost_ns[0] >= before);
    start_fini(&s);
}

/* Whoever makes one was killed before it was whole. */
static void a_file_that_was_never_finished_is_replaced(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    memset(&s.f.lay->head, 0, sizeof(s.f.lay->head));
    expect_replaced(&s);
    start_fini(&s);
}

/* ---- damaged ------------------------------------------------------------- */

static void a_shorter_or_longer_file_is_replaced(void)
{
    static const off_t sizes[] = {0,        1,        SIZE - 4096,
                                  SIZE - 1, SIZE + 1, 2 * SIZE};
    size_t i;

    for (i = 0; i < ARRAY_LEN(sizes); i++) {
        struct start s;

        start_init(&s);
        make_marked(&s);
        CU_ASSERT_EQUAL(truncate(desk_file(s.d), sizes[i]), 0);
        expect_replaced(&s);
        start_fini(&s);
    }
}

static void all_zeros_are_replaced(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL(truncate(desk_file(s.d), 0), 0);
    CU_ASSERT_EQUAL(truncate(desk_file(s.d), SIZE), 0);
    expect_replaced(&s);
    start_fini(&s);
}

static void another_layout_is_replaced_though_its_sum_is_right(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    s.f.lay->head.version++;
    sign(&s.f.lay->head);
    expect_replaced(&s);
    start_fini(&s);
}

/* Else no file could ever be newer: see had_created_ns in state_file.h. */
static void a_file_of_the_future_is_replaced(void)
{
    struct start s;

    start_init(&s);
    make_marked(&s);
    s.f.lay->head.created_ns = INT64_MAX;
    sign(&s.f.lay->head);
    expect_replaced(&s);
    start_fini(&s);
}

/* A byte of noise in each kind of slot, where no writer ever puts it. */
static void noise_in_the_body_is_replaced(void)
{
    static const struct {
        size_t at;
        char value;
    } noise[] = {
        {offsetof(struct layout, head) + 20, 1},
        {offsetof(struct layout, live.now_ns) + 7, 0x40},
        {offsetof(struct layout, live.now_ns) + 7, (char)0x80},
        {offsetof(struct layout, live.dirty) + 1, 1},
        {offsetof(struct layout, live.retired), 1},
        {offsetof(struct layout, live.lost_ns) + 7, 0x7f},
        {offsetof(struct layout, live.last_arrival) + 7, 0x7f},
        {offsetof(struct layout, scopes[3].v) + 7, 0x7f},
        {offsetof(struct layout, scopes[3].cls[1].v) + 7, 0x7f},
        {offsetof(struct layout, rows[0].state), 9},
        {offsetof(struct layout, rows[8191].state), 1},
        {offsetof(struct layout, chunks[5].scope1) + 2, 1},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(noise); i++) {
        struct start s;

        start_init(&s);
        make_marked(&s);
        scribble(&s, noise[i].at, noise[i].value);
        expect_replaced(&s);
        start_fini(&s);
    }
}

/* Whatever the bytes: no crash, no hang, and a file that can be used. */
static void random_noise_never_hurts(void)
{
    int round, i;

    for (round = 0; round < 60; round++) {
        struct start s;

        start_init(&s);
        make_marked(&s);
        limits_take(&s.d->set.rules[0], &s.f.lay->rules[0]);
        limits_take_bounds(&s.d->set.bounds, &s.f.lay->bounds);
        (void)lab_join(s.f.lay, "c", LAB_T0);
        for (i = 0; i < 1 << (round % 16); i++) {
            size_t at = sizeof(struct lay_head) +
                        lab_random((uint32_t)SIZE - sizeof(struct lay_head));

            ((unsigned char *)s.f.lay)[at] = (unsigned char)lab_random(256);
        }
        CU_ASSERT_EQUAL(attach(&s), FILE_OK);
        lab_recount(s.f.lay);
        start_fini(&s);
    }
}

/* ---- refused --------------------------------------------------------------- */

static void strange_files_are_refused(void)
{
    struct start s;
    char other[128];

    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL(chmod(desk_file(s.d), 0644), 0);
    expect_refused(&s, "0600");
    CU_ASSERT_EQUAL(chmod(desk_file(s.d), 0600), 0);

    snprintf(other, sizeof(other), "%s/other", s.d->dir);
    CU_ASSERT_EQUAL(link(desk_file(s.d), other), 0);
    expect_refused(&s, "hard link");
    CU_ASSERT_EQUAL(unlink(desk_file(s.d)), 0);

    CU_ASSERT_EQUAL(symlink("other", desk_file(s.d)), 0);
    expect_refused(&s, "symbolic link");
    CU_ASSERT_EQUAL(unlink(desk_file(s.d)), 0);

    CU_ASSERT_EQUAL(mkfifo(desk_file(s.d), 0600), 0);
    expect_refused(&s, "not a regular file");
    CU_ASSERT_EQUAL(unlink(desk_file(s.d)), 0);

    CU_ASSERT_EQUAL(mkdir(desk_file(s.d), 0700), 0);
    expect_refused(&s, "irectory");
    CU_ASSERT_EQUAL(rmdir(desk_file(s.d)), 0);
    start_fini(&s);
}

static void a_file_of_another_user_is_refused(void)
{
    struct start s;

    if (geteuid() != 0)
        return; /* only root can give a file away */
    start_init(&s);
    make_marked(&s);
    CU_ASSERT_EQUAL(chown(desk_file(s.d), 65534, 65534), 0);
    expect_refused(&s, "another user");
    start_fini(&s);
}

/* ---- the directory ----------------------------------------------------------- */

static void the_directory_is_made_or_refused(void)
{
    struct desk *d = desk_new(4);
    char path[128], note[256] = "";
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/a", d->dir);
    fd = file_open_dir(path, note, sizeof(note));
    CU_ASSERT_NOT_EQUAL(fd, -1);
    close(fd);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0700);

    CU_ASSERT_EQUAL(chmod(path, 0777), 0);
    CU_ASSERT_EQUAL(file_open_dir(path, note, sizeof(note)), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(note, "writable by nobody else"));
    CU_ASSERT_EQUAL(rmdir(path), 0);

    CU_ASSERT_EQUAL(symlink("/tmp", path), 0);
    CU_ASSERT_EQUAL(file_open_dir(path, note, sizeof(note)), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(note, "is a link"));
    CU_ASSERT_EQUAL(unlink(path), 0);

    snprintf(path, sizeof(path), "%s/a/b", d->dir);
    CU_ASSERT_EQUAL(file_open_dir(path, note, sizeof(note)), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(note, "cannot be made"));
    desk_free(d);
}

/* ---- two at once ------------------------------------------------------------- */

_Noreturn static void start_and_tell(struct start *s, int to)
{
    enum file_result res;

    do
        res = attach(s);
    while (res == FILE_BUSY); /* another one is looking at it */
    if (res != FILE_OK || write(to, &s->f.ino, sizeof(s->f.ino)) == -1)
        _exit(1);
    _exit(0);
}

static void many_that_start_at_once_share_one_file(void)
{
    struct start s;
    int round, i, status;

    start_init(&s);
    for (round = 0; round < 20; round++) {
        ino_t seen = 0;
        int ends[2];

        (void)unlink(desk_file(s.d));
        CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
        for (i = 0; i < 6; i++) {
            if (fork() == 0)
                start_and_tell(&s, ends[1]);
        }
        close(ends[1]);
        for (i = 0; i < 6; i++) {
            ino_t ino = 0;

            CU_ASSERT_TRUE(wait(&status) > 0 && status == 0);
            CU_ASSERT_EQUAL(read(ends[0], &ino, sizeof(ino)), sizeof(ino));
            CU_ASSERT_TRUE(seen == 0 || seen == ino);
            seen = ino;
        }
        close(ends[0]);
    }
    start_fini(&s);
}

static const struct unit_test tests[] = {
    {"no file: a new one, known since the machine is up",
     no_file_a_new_one_as_old_as_the_machine},
    {"a sound file is used as it is", a_sound_file_is_used_as_it_is},
    {"a file gone while others live leaves full windows",
     a_file_gone_while_others_live_leaves_full_windows},
    {"a file of another boot is replaced", a_file_of_another_boot_is_replaced},
    {"a file of another clock that nobody uses is replaced",
     a_file_of_another_clock_that_nobody_uses_is_replaced},
    {"a file of another clock that workers use is left to them",
     a_file_of_another_clock_that_workers_use_is_left_to_them},
    {"where others send by another file, windows are full",
     where_others_send_by_another_file_windows_are_full},
    {"a loss is as late as its file, not as the clock that was read",
     a_loss_is_as_late_as_its_file_not_as_the_clock_that_was_read},
    {"a file that was never finished is replaced",
     a_file_that_was_never_finished_is_replaced},
    {"a shorter or longer file is replaced",
     a_shorter_or_longer_file_is_replaced},
    {"all zeros are replaced", all_zeros_are_replaced},
    {"another layout is replaced though its sum is right",
     another_layout_is_replaced_though_its_sum_is_right},
    {"a file of the future is replaced", a_file_of_the_future_is_replaced},
    {"noise in the body is replaced", noise_in_the_body_is_replaced},
    {"random noise never hurts", random_noise_never_hurts},
    {"strange files are refused", strange_files_are_refused},
    {"a file of another user is refused", a_file_of_another_user_is_refused},
    {"the directory is made, or refused", the_directory_is_made_or_refused},
    {"many that start at once share one file",
     many_that_start_at_once_share_one_file},
    {NULL, NULL},
};

CU_ErrorCode test_state_file_add(void)
{
    return unit_add("file", tests);
}
