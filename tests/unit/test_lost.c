/* The state file is taken away from workers that use it: state/attach.c. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "desk.h"
#include "lib/boottime.h"
#include "state/view.h"
#include "state/worker.h"

#define SIZE ((off_t)sizeof(struct layout))

static void remove_it(const struct desk *d)
{
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
}

static void move_it(const struct desk *d)
{
    char to[160];

    snprintf(to, sizeof(to), "%s.away", desk_file(d));
    CU_ASSERT_EQUAL(rename(desk_file(d), to), 0);
}

/* Another file of the right size and mode in its place. */
static void replace_it(const struct desk *d)
{
    char from[160];
    int fd;

    snprintf(from, sizeof(from), "%s.new", desk_file(d));
    fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(ftruncate(fd, SIZE), 0);
    close(fd);
    CU_ASSERT_EQUAL(rename(from, desk_file(d)), 0);
}

/* A backup of it is put back: sound, but it knows nothing since then. */
static void put_back_a_copy(const struct desk *d)
{
    char copy[160];
    int fd;

    snprintf(copy, sizeof(copy), "%s.copy", desk_file(d));
    fd = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(write(fd, desk_layout(d, 0), SIZE), SIZE);
    close(fd);
    CU_ASSERT_EQUAL(rename(copy, desk_file(d)), 0);
}

static void cut_it(const struct desk *d)
{
    CU_ASSERT_EQUAL(truncate(desk_file(d), 0), 0);
}

/* Cut and grown again: its size is right, its bytes are gone. */
static void empty_it(const struct desk *d)
{
    CU_ASSERT_EQUAL(truncate(desk_file(d), 0), 0);
    CU_ASSERT_EQUAL(truncate(desk_file(d), SIZE), 0);
}

static void fill(const struct desk *d, off_t from)
{
    int fd = open(desk_file(d), O_RDWR | O_CLOEXEC);
    unsigned char noise[4096];
    off_t at;
    size_t i;

    CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
    for (at = from; at < SIZE; at += (off_t)sizeof(noise)) {
        size_t n = SIZE - at < (off_t)sizeof(noise) ? (size_t)(SIZE - at)
                                                    : sizeof(noise);

        for (i = 0; i < n; i++)
            noise[i] = (unsigned char)lab_random(256);
        CU_ASSERT_EQUAL(pwrite(fd, noise, n, at), (ssize_t)n);
    }
    close(fd);
}

static void fill_it_with_noise(const struct desk *d)
{
    fill(d, 0);
}

static void fill_its_body_with_noise(const struct desk *d)
{
    fill(d, (off_t)sizeof(struct lay_head));
}

/* The whole directory, and another one in its place. */
static void remove_the_directory(const struct desk *d)
{
    char name[400];
    uint32_t i;

    remove_it(d);
    for (i = 0; i < DESK_WORKERS; i++) {
        if (d->w[i] == NULL)
            continue;
        snprintf(name, sizeof(name), "%s/" WAKE_PREFIX "%016lx", d->dir,
                 (unsigned long)d->w[i]->wake.address);
        CU_ASSERT_EQUAL(unlink(name), 0);
    }
    snprintf(name, sizeof(name), "%s/.start.lock", d->dir);
    CU_ASSERT_EQUAL(unlink(name), 0);
    CU_ASSERT_EQUAL(unlink(desk_stats_file(d)), 0);
    CU_ASSERT_EQUAL(rmdir(d->dir), 0);
}

/*
 * Two workers with a request waiting, open and sent each; then HARM.  All
 * move over, nobody is granted anything for a whole span, and then the
 * waiters go in their order.
 */
static void survive(void (*harm)(const struct desk *d))
{
    struct desk *d = desk_new(4);
    struct ask *a[6];
    int64_t start, lost;
    int i;

    desk_open(d, 0);
    desk_open(d, 1);
    for (i = 0; i < 6; i++) {
        a[i] = desk_ask(d, (uint32_t)i % 2, NULL);
        desk_turn(d);
    }
    desk_sent(a[0]);
    desk_sent(a[1]);
    desk_pass(d, 5000);
    start = d->w[0]->service_start_ns;
    harm(d);
    desk_pass(d, 1000); /* who was moved away notices within a second */
    desk_turn(d);

    CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
    CU_ASSERT_TRUE(desk_has_logged(d, "state_replaced"));
    CU_ASSERT_EQUAL(d->w[0]->file.ino, d->w[1]->file.ino);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    CU_ASSERT_EQUAL(d->w[0]->service_start_ns, start);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 2);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].open, 2);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].in_flight, 4);
    lab_recount(desk_layout(d, 0));

    desk_done(a[0], false);
    desk_done(a[2], true); /* a free slot, were the window not unknown */
    lost = desk_layout(d, 0)->live.lost_ns[0];
    desk_pass(d, (lost - d->now) / NS_PER_MS + 59999);
    CU_ASSERT_EQUAL(a[4]->grants + a[5]->grants, 0);
    desk_pass(d, 2);
    CU_ASSERT_EQUAL(a[4]->grants, 1);
    CU_ASSERT_EQUAL(a[5]->grants, 1);
    for (i = 0; i < 6; i++)
        desk_done(a[i], true);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void a_file_that_is_removed(void)
{
    survive(remove_it);
}

static void a_file_that_is_moved_away(void)
{
    survive(move_it);
}

static void a_file_that_is_replaced_by_another(void)
{
    survive(replace_it);
}

static void a_file_that_is_replaced_by_its_own_copy(void)
{
    survive(put_back_a_copy);
}

static void a_file_that_is_cut_short(void)
{
    survive(cut_it);
}

static void a_file_that_is_emptied(void)
{
    survive(empty_it);
}

static void a_file_full_of_noise(void)
{
    survive(fill_it_with_noise);
}

static void a_body_full_of_noise(void)
{
    survive(fill_its_body_with_noise);
}

static void a_directory_that_is_removed(void)
{
    survive(remove_the_directory);
}

/* Any of its requests, if one is in flight, is answered somehow. */
static void answer_any(struct desk *d)
{
    struct ask *a = &d->asks[lab_random(d->n)];

    if (a->ticket == NULL || a->grants == 0)
        return;
    desk_sent(a);
    desk_report(a, (enum limiter_answer)lab_random(ANSWERS), -1);
}

/* Where noise hurts most: the flags, the rules and the scopes, or what is known
 * of models; else anywhere. */
static size_t anywhere(void)
{
    switch (lab_random(4)) {
    case 0:
        return lab_random((uint32_t)SIZE);
    case 1:
        return offsetof(struct layout, model_states) +
               lab_random(3 * sizeof(struct lay_model_state));
    case 2:
        return lab_random(offsetof(struct layout, scopes[2]));
    default:
        return lab_random(offsetof(struct layout, flow_hash));
    }
}

/* Some bytes of noise at a time, at every turn: no crash, no hang, and in the
 * end everything can be settled. */
static void a_file_that_is_gnawed_at(void)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    int round, i, k;

    for (round = 0; round < 40; round++) {
        struct desk *d = desk_new(5);

        desk_open(d, 0);
        desk_open(d, 1);
        for (i = 0; i < 60; i++) {
            unsigned char *bytes = (unsigned char *)desk_layout(d, 0);
            struct limiter_view v;

            req.model = lab_random(2) ? "m" : "";
            (void)desk_ask(d, lab_random(2), &req);
            answer_any(d);
            if (lab_random(2) == 0)
                desk_done(&d->asks[lab_random(d->n)], lab_random(2) == 0);
            for (k = 0; k < round; k++)
                bytes[anywhere()] = (unsigned char)lab_random(256);
            d->now += 200 * NS_PER_MS;
            (void)limiter_turn(d->w[0], d->now);
            (void)limiter_turn(d->w[1], d->now);
            if (limiter_view(d->w[i % 2], d->now, &v))
                view_free(&v);
            /* What is lost is soon had again: a clock in it may have been up
             * to a second ahead. */
            for (k = 0; k < 12; k++)
                if (desk_layout(d, 0) == NULL || desk_layout(d, 1) == NULL)
                    desk_pass(d, 100);
            CU_ASSERT_PTR_NOT_NULL_FATAL(desk_layout(d, 0));
        }
        for (k = 0; k < (int)d->n; k++)
            desk_done(&d->asks[k], true);
        empty_it(d);
        desk_pass(d, 1000);
        desk_pass(d, 1000);
        lab_is_settled(desk_layout(d, 0));
        desk_free(d);
    }
}

/* The directory can be written by nobody: no file, no crash, and it goes on
 * when the trouble is over.  (Root may write anywhere: a wrong type does.) */
static void while_no_file_can_be_had_requests_are_refused(void)
{
    struct desk *d = desk_new(1);
    struct ask *a, *b, *c;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    remove_it(d);
    CU_ASSERT_EQUAL(mkdir(desk_file(d), 0700), 0);
    desk_pass(d, 1000); /* noticed, at the latest */
    c = desk_ask(d, 0, NULL);
    desk_pass(d, 1900);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_unavailable"));
    CU_ASSERT_EQUAL(c->refusals, 0);
    desk_pass(d, 200);
    CU_ASSERT_EQUAL(c->news.why, REFUSED_STATE);
    CU_ASSERT_EQUAL(rmdir(desk_file(d)), 0);
    desk_pass(d, 100);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 1);
    desk_done(a, true);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

/* A worker reads the clock, is stopped for longer than others can explain,
 * and takes its turn with the old time. */
static void a_worker_that_slept_does_not_condemn_the_file(void)
{
    struct desk *d = desk_new(1);
    struct ask *a;
    int64_t stale;
    ino_t ino;

    d->now = stale = boottime_ns();
    desk_open(d, 0);
    desk_open(d, 1);
    ino = d->w[0]->file.ino;
    /* Quicker than to sleep: an old time is given instead. */
    (void)limiter_turn(d->w[0], boottime_ns());
    (void)limiter_turn(d->w[1], stale - 100 * NS_PER_S);
    CU_ASSERT_EQUAL(d->w[1]->file.ino, ino);
    CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
    a = desk_ask(d, 1, NULL);
    desk_layout(d, 0)->live.lost_ns[0] = 0;
    (void)limiter_turn(d->w[1], stale - 100 * NS_PER_S);
    if (a->grants == 1) { /* unless the machine is up for less than a span */
        desk_sent(a);
        (void)limiter_turn(d->w[1], stale - 100 * NS_PER_S);
        CU_ASSERT_TRUE(desk_layout(d, 0)->scopes[0].last_send_ns >= stale);
    }
    desk_free(d);
}

/* A worker looks at the path, is stopped, and the file is taken away. */
static void nothing_is_granted_from_a_file_seen_too_long_ago(void)
{
    struct desk *d = desk_new(4);
    struct ask *a, *b;
    int64_t old;

    d->now = old = boottime_ns();
    desk_open(d, 0);
    desk_layout(d, 0)->live.lost_ns[0] = -100 * NS_PER_S; /* all is known */
    a = desk_ask(d, 0, NULL);
    (void)limiter_turn(d->w[0], old);
    CU_ASSERT_EQUAL(a->grants, 1);
    b = desk_ask(d, 0, NULL);
    remove_it(d);
    d->w[0]->checked_ns -= NS_PER_S;             /* "a second later" */
    (void)limiter_turn(d->w[0], old - NS_PER_S); /* by a clock read before */
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
    desk_free(d);
}

/* Before anybody has had a reason to look. */
static void a_page_that_is_cut_off_kills_nobody(void)
{
    struct desk *d = desk_new(4);
    struct limiter_view v;
    struct ask *a;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    cut_it(d);
    CU_ASSERT_FALSE(limiter_view(d->w[0], d->now, &v));
    desk_turn(d);
    cut_it(d);
    (void)desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_pass(d, 100);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 2);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].open, 1);
    desk_done(a, true);
    desk_free(d);
}

/* In the new file they have no number: a repair must not take one's send for
 * the other's. */
static void of_two_that_moved_one_send_is_one(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 0, NULL);

    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1100);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].open, 2);
    desk_sent(a);
    desk_turn(d);
    lab_recount(desk_layout(d, 0));
    desk_layout(d, 0)->live.dirty = 1; /* as if somebody was killed */
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].open, 1);
    desk_sent(b);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 2);
    desk_free(d);
}

/* Damage that a repair does not see: the slots are sound. */
static void a_file_that_proved_damaged_is_not_used_again(void)
{
    struct desk *d = desk_new(4);
    ino_t ino;

    desk_open(d, 0);
    desk_open(d, 1);
    ino = d->w[0]->file.ino;
    desk_layout(d, 0)->workers[d->w[0]->seat].address ^= 1;
    desk_turn(d);
    CU_ASSERT_NOT_EQUAL(d->w[0]->file.ino, ino);
    CU_ASSERT_EQUAL(d->w[0]->file.ino, d->w[1]->file.ino);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a file that is removed", a_file_that_is_removed},
    {"a file that is moved away", a_file_that_is_moved_away},
    {"a file that is replaced by another", a_file_that_is_replaced_by_another},
    {"a file that is replaced by its own copy",
     a_file_that_is_replaced_by_its_own_copy},
    {"a file that is cut short", a_file_that_is_cut_short},
    {"a file that is emptied", a_file_that_is_emptied},
    {"a file full of noise", a_file_full_of_noise},
    {"a body full of noise", a_body_full_of_noise},
    {"a directory that is removed", a_directory_that_is_removed},
    {"a file that is gnawed at", a_file_that_is_gnawed_at},
    {"while no file can be had, requests are refused",
     while_no_file_can_be_had_requests_are_refused},
    {"a worker that slept does not condemn the file",
     a_worker_that_slept_does_not_condemn_the_file},
    {"a page that is cut off kills nobody",
     a_page_that_is_cut_off_kills_nobody},
    {"of two that moved one send is one", of_two_that_moved_one_send_is_one},
    {"a file that proved damaged is not used again",
     a_file_that_proved_damaged_is_not_used_again},
    {"nothing is granted from a file seen too long ago",
     nothing_is_granted_from_a_file_seen_too_long_ago},
    {NULL, NULL},
};

CU_ErrorCode test_lost_add(void)
{
    return unit_add("lost", tests);
}
