/* Mirrors state/stats/stats_file.c, state/count.c and state/policy/facts.c: whatever becomes
 * of the statistics, the window, the queue and the holds stay; and the other way
 * round. */
#include "state/stats/stats_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "state/board.h"
#include "state/file/head.h"
#include "state/file/opening.h"
#include "state/policy/facts.h"
#include "state/stats.h"
#include "state/view.h"
#include "state/worker.h"

#define SIZE ((off_t)sizeof(struct stats_layout))

static ino_t inode(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* ---- what can happen to the file --------------------------------------------- */

static void head(const struct desk *d, void (*change)(struct lay_head *h))
{
    int fd = open(desk_stats_file(d), O_RDWR | O_CLOEXEC);
    struct lay_head h;

    CHECK(pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
    change(&h);
    CHECK(pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
    close(fd);
}

static void newer(struct lay_head *h)
{
    h->version++;
    file_head_sign(h);
}

static void longer(struct lay_head *h)
{
    h->layout_hash ^= 1;
    h->size += 8;
    file_head_sign(h);
}

static void of_another_boot(struct lay_head *h)
{
    h->boot_id[0] ^= 1;
    file_head_sign(h);
}

static void of_another_clock(struct lay_head *h)
{
    h->time_ns ^= 1;
    file_head_sign(h);
}

static void unsigned_head(struct lay_head *h)
{
    h->checksum ^= 1;
}

static void another_version(const struct desk *d)
{
    head(d, newer);
}

static void another_layout(const struct desk *d)
{
    head(d, longer);
    CHECK(truncate(desk_stats_file(d), SIZE + 8) == 0);
}

static void another_boot(const struct desk *d)
{
    head(d, of_another_boot);
}

static void another_clock(const struct desk *d)
{
    head(d, of_another_clock);
}

static void damaged(const struct desk *d)
{
    head(d, unsigned_head);
}

static void gone(const struct desk *d)
{
    CHECK(unlink(desk_stats_file(d)) == 0);
}

static void a_file_of(const struct desk *d, off_t size)
{
    int fd;

    gone(d); /* nobody's map is cut off: that is another test */
    fd = open(desk_stats_file(d), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd != -1 && ftruncate(fd, size) == 0);
    close(fd);
}

static void empty(const struct desk *d)
{
    a_file_of(d, 0);
}

static void zeros(const struct desk *d)
{
    a_file_of(d, SIZE);
}

static void a_directory(const struct desk *d)
{
    gone(d);
    CHECK(mkdir(desk_stats_file(d), 0700) == 0);
}

static void a_link(const struct desk *d)
{
    gone(d);
    CHECK(symlink("/nowhere", desk_stats_file(d)) == 0);
}

static void readable_by_others(const struct desk *d)
{
    CHECK(chmod(desk_stats_file(d), 0644) == 0);
}

/* ---- a state with something in it --------------------------------------------- */

/* Two of two are sent, one of which is refused: it holds, and two wait. */
static struct desk *busy_desk(void)
{
    struct desk *d = desk_of(1, 2);
    uint32_t i;

    for (i = 0; i < 4; i++)
        (void)desk_ask_model(d, 0, "a/b");
    desk_turn(d);
    desk_sent(&d->asks[0]);
    desk_sent(&d->asks[1]);
    desk_turn(d);
    desk_report(&d->asks[0], ANSWER_RATE, 30);
    desk_done(&d->asks[1], false);
    desk_turn(d);
    return d;
}

static void expect_busy(struct desk *d, uint32_t worker)
{
    const struct layout *lay = desk_layout(d, worker);

    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 2);
    CU_ASSERT_EQUAL(lay->live.waiting, 2);
    CU_ASSERT_EQUAL(lay->scopes[0].retreat.state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(lay->live.lost_ns[0], 0);
    CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
    CU_ASSERT_FALSE(desk_has_logged(d, "state_replaced"));
    lab_recount(desk_layout(d, worker));
}

/* Those that waited are answered, and never too many at once. */
static void expect_answers(struct desk *d)
{
    uint32_t i;

    desk_done(&d->asks[0], false);
    for (i = 0; i < 400 && d->asks[3].grants == 0; i++) {
        uint32_t k;

        desk_pass(d, 1000);
        CU_ASSERT_TRUE(desk_layout(d, 0)->scopes[0].window.n +
                           desk_layout(d, 0)->scopes[0].open <=
                       2);
        for (k = 2; k < 4; k++)
            if (d->asks[k].grants > 0 && d->asks[k].ticket != NULL) {
                desk_sent(&d->asks[k]);
                desk_report(&d->asks[k], ANSWER_FINE, -1);
                desk_done(&d->asks[k], false);
            }
    }
    CU_ASSERT_EQUAL(d->asks[2].grants, 1);
    CU_ASSERT_EQUAL(d->asks[3].grants, 1);
}

/* ---- a worker starts and finds them so ------------------------------------------- */

static const struct {
    void (*make)(const struct desk *d);
    bool replaced; /* else nothing can be done about it */
    const char *event;
} findings[] = {
    {another_version, true, "stats_replaced"},
    {another_layout, true, "stats_replaced"},
    {another_boot, true, "stats_replaced"},
    {another_clock, true, "stats_replaced"},
    {damaged, true, "stats_replaced"},
    {empty, true, "stats_replaced"},
    {zeros, true, "stats_replaced"},
    {gone, true, NULL},
    {a_directory, false, "stats_unavailable"},
    {a_link, false, "stats_unavailable"},
    {readable_by_others, false, "stats_unavailable"},
};

static void whatever_is_found_the_state_stays(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(findings); i++) {
        struct desk *d = busy_desk();
        ino_t state = inode(desk_file(d)), before = inode(desk_stats_file(d));

        CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.joined, 4);
        findings[i].make(d);
        desk_open(d, 1);
        CU_ASSERT_EQUAL(inode(desk_file(d)), state);
        expect_busy(d, 1);
        CU_ASSERT_EQUAL(desk_stats(d, 1)->counters.joined, 0);
        CU_ASSERT_EQUAL(d->w[1]->stats.shared, findings[i].replaced);
        if (findings[i].replaced)
            CU_ASSERT_NOT_EQUAL(inode(desk_stats_file(d)), before);
        if (findings[i].event != NULL)
            CU_ASSERT_TRUE(desk_has_logged(d, findings[i].event));
        expect_answers(d);
        if (findings[i].replaced) /* and all share it in a second */
            CU_ASSERT_EQUAL(d->w[0]->stats.ino, d->w[1]->stats.ino);
        rmdir(desk_stats_file(d));
        desk_free(d);
    }
}

/* ---- while they are in use -------------------------------------------------------- */

static void a_file_that_is_gone_is_made_anew_once_for_all(void)
{
    struct desk *d = busy_desk();

    desk_open(d, 1);
    desk_stats(d, 0)->counters.recoveries = 3;
    desk_turn(d);
    gone(d);
    desk_pass(d, 2000);
    CU_ASSERT_NOT_EQUAL_FATAL(inode(desk_stats_file(d)), 0);
    CU_ASSERT_EQUAL(d->w[0]->stats.ino, inode(desk_stats_file(d)));
    CU_ASSERT_EQUAL(d->w[1]->stats.ino, inode(desk_stats_file(d)));
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.joined, 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 3); /* goes on */
    CU_ASSERT_TRUE(desk_has_logged(d, "stats_replaced"));
    expect_busy(d, 0);
    expect_answers(d);
    desk_free(d);
}

static void a_file_that_is_cut_off_costs_numbers_alone(void)
{
    struct desk *d = busy_desk();
    struct limiter_note n = {.outcome = OUTCOME_OK, .upstreamed = true};

    desk_open(d, 1);
    CHECK(truncate(desk_stats_file(d), 4096) == 0);
    limiter_note(d->w[0], &n);
    desk_turn(d);
    CU_ASSERT_TRUE(desk_has_logged(d, "stats_lost"));
    expect_busy(d, 0);
    desk_pass(d, 2000);
    CU_ASSERT_EQUAL(inode(desk_stats_file(d)), d->w[0]->stats.ino);
    CU_ASSERT_EQUAL(inode(desk_stats_file(d)), d->w[1]->stats.ino);
    CU_ASSERT_EQUAL(desk_stats(d, 1)->tally.sums.requests, 1); /* once */
    expect_answers(d);
    desk_free(d);
}

static void a_reader_without_the_lock_survives_it_too(void)
{
    struct desk *d = busy_desk();
    struct limiter_view v;
    uint64_t number;
    int64_t next;

    CHECK(truncate(desk_stats_file(d), 0) == 0);
    number = limiter_board_number(d->w[0], NS_PER_S, &next);
    CU_ASSERT_EQUAL(number, 0);
    CU_ASSERT_TRUE(desk_has_logged(d, "stats_lost"));
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.n_rows, 3);
    view_free(&v);
    expect_busy(d, 0);
    desk_free(d);
}

/* Noise in all of it but the head. */
static void noise_costs_numbers_alone(void)
{
    struct desk *d = busy_desk();
    struct limiter_tally *t = calloc(1, sizeof(*t));
    struct limiter_view v;
    uint32_t round;
    size_t i;

    CHECK(t != NULL);
    for (round = 0; round < 8; round++) {
        unsigned char *p = (unsigned char *)desk_stats(d, 0);

        for (i = sizeof(struct lay_head); i < sizeof(struct stats_layout); i++)
            p[i] = (unsigned char)lab_random(256);
        desk_turn(d);
        CU_ASSERT_TRUE(limiter_tally(d->w[0], d->now, t));
        CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
        view_free(&v);
        expect_busy(d, 0);
    }
    expect_answers(d);
    free(t);
    desk_free(d);
}

static void their_file(const struct desk *d)
{
    struct file_kind kind = stats_file_kind();
    struct lay_head h;
    int fd;

    a_file_of(d, SIZE);
    kind.version++;
    file_head_init(&h, &kind, 0);
    file_head_sign(&h);
    fd = open(desk_stats_file(d), O_RDWR | O_CLOEXEC);
    CHECK(pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
    close(fd);
}

/* A new build came, and its file is at the name now. */
static void workers_of_two_builds_leave_each_other_alone(void)
{
    struct desk *d = busy_desk();
    ino_t ours, theirs;

    desk_open(d, 1);
    ours = d->w[0]->stats.ino;
    their_file(d);
    theirs = inode(desk_stats_file(d));
    desk_pass(d, 20000);
    CU_ASSERT_EQUAL(inode(desk_stats_file(d)), theirs);
    CU_ASSERT_EQUAL(d->w[0]->stats.ino, ours);
    CU_ASSERT_EQUAL(d->w[1]->stats.ino, ours);
    CU_ASSERT_EQUAL(desk_stats(d, 1)->counters.joined, 4);
    CU_ASSERT_FALSE(desk_has_logged(d, "stats_"));
    desk_free(d);
}

/* ---- the state is lost, the statistics are not -------------------------------------- */

static void expect_kept(struct desk *d, uint64_t joined)
{
    struct limiter_tally *t = calloc(1, sizeof(*t));

    CHECK(t != NULL);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_replaced"));
    CU_ASSERT_TRUE(desk_layout(d, 0)->live.lost_ns[0] > 0);
    CU_ASSERT_TRUE(limiter_tally(d->w[0], d->now, t));
    CU_ASSERT_EQUAL(t->counters.joined, joined);
    CU_ASSERT_EQUAL(t->counters.recoveries, 1);
    CU_ASSERT_FALSE(desk_has_logged(d, "stats_"));
    free(t);
}

static void a_damaged_state_keeps_its_statistics(void)
{
    struct desk *d = busy_desk();

    limiter_board_viewers(d->w[0], 3);
    desk_layout(d, 0)->live.dirty = 7;
    desk_pass(d, 2000);
    expect_kept(d, 4);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->board.viewers[d->w[0]->seat], 3);
    desk_free(d);
}

static void a_state_of_another_layout_keeps_them(void)
{
    struct desk *d = busy_desk();
    struct lay_head h;
    int fd;

    limiter_close(d->w[0]);
    d->w[0] = NULL;
    fd = open(desk_file(d), O_RDWR | O_CLOEXEC);
    CHECK(pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
    longer(&h);
    CHECK(pwrite(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h));
    close(fd);
    desk_open(d, 0);
    expect_kept(d, 4);
    desk_free(d);
}

/* For a second two files are in use: the newer one has the statistics. */
static void who_still_has_the_old_state_leaves_them_alone(void)
{
    struct desk *d = busy_desk();
    struct stats_layout *st = desk_stats(d, 0);
    uint64_t joined = st->counters.joined;

    st->live.under_ns = desk_layout(d, 0)->head.created_ns + 1;
    (void)desk_ask_model(d, 0, "a/b");
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.joined, joined);
    st->live.under_ns -= 1; /* it has the newer one now */
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.joined, joined + 1);
    desk_free(d);
}

/* ---- looking on ------------------------------------------------------------------------ */

static void one_of_the_two_is_enough_for_a_look(void)
{
    struct desk *d = busy_desk();
    struct limiter_view v;
    char err[5000];

    CU_ASSERT_EQUAL_FATAL(view_peek(d->dir, d->now, &v, err, sizeof(err)), 0);
    CU_ASSERT_STRING_EQUAL(err, "");
    CU_ASSERT_EQUAL(v.counters.joined, 4);
    CU_ASSERT_EQUAL(v.n_rows, 3);
    CU_ASSERT_EQUAL(v.models[0].figures.sent, 2);
    view_free(&v);
    another_version(d);
    CU_ASSERT_EQUAL_FATAL(view_peek(d->dir, d->now, &v, err, sizeof(err)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "no statistics"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "not of this version"));
    CU_ASSERT_EQUAL(v.counters.joined, 0);
    CU_ASSERT_EQUAL(v.n_rows, 3);
    view_free(&v);
    gone(d);
    CU_ASSERT_EQUAL_FATAL(view_peek(d->dir, d->now, &v, err, sizeof(err)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "no statistics"));
    view_free(&v);
    desk_pass(d, 2000); /* new ones */
    CHECK(unlink(desk_file(d)) == 0);
    CU_ASSERT_EQUAL_FATAL(view_peek(d->dir, d->now, &v, err, sizeof(err)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, FILE_NAME));
    CU_ASSERT_EQUAL(v.n_rows, 0);
    view_free(&v);
    gone(d);
    CU_ASSERT_EQUAL(view_peek(d->dir, d->now, &v, err, sizeof(err)), -1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "is Sluice running?"));
    desk_free(d);
}

/* ---- the hash --------------------------------------------------------------------------- */

static void each_field_is_in_the_hash(void)
{
    static const struct fact inner[] = {{"a", 0, 4, 4, NULL}};
    static const struct facts in = {"in", inner, 1};
    static const struct fact rows[][2] = {
        {{"a", 0, 4, 4, NULL}, {"b", 4, 4, 4, NULL}},
        {{"b", 0, 4, 4, NULL}, {"a", 4, 4, 4, NULL}}, /* two change places */
        {{"a", 0, 4, 4, NULL}, {"c", 4, 4, 4, NULL}}, /* another name */
        {{"a", 0, 4, 4, NULL}, {"b", 8, 4, 4, NULL}}, /* another place */
        {{"a", 0, 4, 4, NULL}, {"b", 4, 8, 4, NULL}}, /* more of them */
        {{"a", 0, 4, 4, NULL}, {"b", 4, 4, 2, NULL}}, /* smaller ones */
        {{"a", 0, 4, 4, NULL}, {"b", 4, 4, 4, &in}},  /* a struct */
    };
    uint32_t hash[ARRAY_LEN(rows)], i, k;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        const struct facts f = {"small", rows[i], 2};

        hash[i] = facts_hash(&f);
        CU_ASSERT_EQUAL(facts_hash(&f), hash[i]);
        for (k = 0; k < i; k++)
            CU_ASSERT_NOT_EQUAL(hash[i], hash[k]);
    }
}

static const struct unit_test tests[] = {
    {"whatever is found, the state stays", whatever_is_found_the_state_stays},
    {"a file that is gone is made anew, once for all",
     a_file_that_is_gone_is_made_anew_once_for_all},
    {"a file that is cut off costs numbers alone",
     a_file_that_is_cut_off_costs_numbers_alone},
    {"a reader without the lock survives it, too",
     a_reader_without_the_lock_survives_it_too},
    {"noise costs numbers alone", noise_costs_numbers_alone},
    {"workers of two builds leave each other alone",
     workers_of_two_builds_leave_each_other_alone},
    {"a damaged state keeps its statistics",
     a_damaged_state_keeps_its_statistics},
    {"a state of another layout keeps them",
     a_state_of_another_layout_keeps_them},
    {"who still has the old state leaves them alone",
     who_still_has_the_old_state_leaves_them_alone},
    {"one of the two is enough for a look",
     one_of_the_two_is_enough_for_a_look},
    {"each field is in the hash", each_field_is_in_the_hash},
    {NULL, NULL},
};

CU_ErrorCode test_stats_file_add(void)
{
    return unit_add("statistics file", tests);
}
