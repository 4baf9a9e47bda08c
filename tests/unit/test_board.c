/* Mirrors state/board.c, state/stats/sheets.c. */
#include "state/board.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "desk.h"
#include "lib/boottime.h"
#include "state/view.h"
#include "state/worker.h"

static void one_builds_and_the_rest_read(void)
{
    struct desk *d = desk_of(2, 10);
    char *text = malloc(BOARD_MAX);
    enum board_state who;
    uint64_t number;
    size_t len;

    CU_ASSERT_FALSE(limiter_board_read(d->w[0], text, &len, &number));
    CU_ASSERT_TRUE(limiter_board_ask(d->w[0], NS_PER_S, d->now, &who));
    CU_ASSERT_EQUAL(who, BOARD_OURS);
    CU_ASSERT_TRUE(limiter_board_ask(d->w[1], NS_PER_S, d->now, &who));
    CU_ASSERT_EQUAL(who, BOARD_OTHERS);
    CU_ASSERT_TRUE(limiter_board_put(d->w[0], "hello", 5));
    CU_ASSERT_TRUE(limiter_board_ask(d->w[1], NS_PER_S, d->now, &who));
    CU_ASSERT_EQUAL(who, BOARD_FRESH);
    CU_ASSERT_TRUE(limiter_board_read(d->w[1], text, &len, &number));
    CU_ASSERT_EQUAL(len, 5);
    CU_ASSERT_NSTRING_EQUAL(text, "hello", 5);
    CU_ASSERT_EQUAL(number, 1);
    CU_ASSERT_TRUE(
        limiter_board_ask(d->w[1], NS_PER_S, d->now + NS_PER_S, &who));
    CU_ASSERT_EQUAL(who, BOARD_OURS);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->board.builds, 1);
    free(text);
    desk_free(d);
}

static void a_builder_that_is_gone_or_late_is_passed_over(void)
{
    struct desk *d = desk_of(3, 10);
    enum board_state who;

    CU_ASSERT_TRUE(limiter_board_ask(d->w[0], NS_PER_S, d->now, &who));
    CU_ASSERT_TRUE(
        limiter_board_ask(d->w[1], NS_PER_S, d->now + NS_PER_S, &who));
    CU_ASSERT_EQUAL(who, BOARD_OURS);
    CU_ASSERT_FALSE(limiter_board_put(d->w[0], "late", 4));
    CU_ASSERT_TRUE(limiter_board_put(d->w[1], "mine", 4));
    CU_ASSERT_TRUE(
        limiter_board_ask(d->w[0], NS_PER_S, d->now + 2 * NS_PER_S, &who));
    CU_ASSERT_EQUAL(who, BOARD_OURS);
    desk_kill(d, 0);
    CU_ASSERT_TRUE(
        limiter_board_ask(d->w[2], NS_PER_S, d->now + 2 * NS_PER_S, &who));
    CU_ASSERT_EQUAL(who, BOARD_OURS);
    desk_free(d);
}

static void noise_is_no_text_that_hurts(void)
{
    struct stats_layout *st = lab_stats();
    unsigned char *bytes = (unsigned char *)&st->board;
    char *text = malloc(BOARD_MAX);
    uint64_t number;
    uint32_t round;
    size_t i, len = 0;

    for (round = 0; round < 50; round++) {
        for (i = 0; i < offsetof(struct lay_board, sheets) + 64; i++)
            bytes[i] = (unsigned char)lab_random(256);
        (void)board_read(&st->board, text, &len, &number);
        CU_ASSERT_TRUE(len <= BOARD_MAX);
        (void)board_ask(&st->board, 3, true, NS_PER_S, LAB_T0);
        board_rebuild(&st->board, LAB_T0);
        board_leave(&st->board, board_owner(&st->board));
        CU_ASSERT_EQUAL(board_ask(&st->board, 3, false, 0, LAB_T0), BOARD_OURS);
        CU_ASSERT_TRUE(board_put(&st->board, 3, "x", 1));
        CU_ASSERT_TRUE(board_read(&st->board, text, &len, &number));
        CU_ASSERT_EQUAL(len, 1);
    }
    free(text);
    free(st);
}

static void viewers_are_counted_over_all_workers(void)
{
    struct desk *d = desk_of(3, 10);
    struct limiter_view v;

    limiter_board_viewers(d->w[0], 5);
    limiter_board_viewers(d->w[1], 7);
    limiter_board_viewers(d->w[0], 4);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[2], d->now, &v));
    CU_ASSERT_EQUAL(v.viewers, 11);
    view_free(&v);
    desk_kill(d, 1);
    desk_pass(d, 2000);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[2], d->now, &v));
    CU_ASSERT_EQUAL(v.viewers, 4);
    view_free(&v);
    desk_free(d);
}

/* ---- many processes --------------------------------------------------------- */

#define WRITERS 2
#define READERS 10
#define RACE_NS (2 * NS_PER_S)

/* A text tells its length at its begin, and is all of one letter. */
static bool is_whole(const char *text, size_t len)
{
    unsigned want = 0;
    size_t i;

    if (len < 9 || sscanf(text, "%8x", &want) != 1 || want != len)
        return false;
    for (i = 8; i < len && text[i] == text[8]; i++)
        continue;
    return i == len;
}

static bool write_one(struct limiter *lim, char *text, int64_t now)
{
    size_t len = 9 + lab_random(BOARD_MAX - 9);
    enum board_state who;
    char head[9];

    if (!limiter_board_ask(lim, 0, now, &who) || who != BOARD_OURS)
        return false;
    memset(text, 'a' + (int)lab_random(26), len);
    snprintf(head, sizeof(head), "%08x", (unsigned)len);
    memcpy(text, head, 8);
    return limiter_board_put(lim, text, len);
}

/* The exit status: 0 if it did what it should, some hundred times; on a busy
 * machine it gets more time for the first of them. */
static int race(struct desk *d, bool writes)
{
    char *text = malloc(BOARD_MAX), err[256];
    int64_t end = boottime_ns() + RACE_NS;
    uint64_t number, n = 0;
    struct limiter *lim;
    bool ok = true;
    size_t len;

    if (limiter_open(&lim, d->dir, NULL, &d->set, d->now, NULL, NULL, err,
                     sizeof(err)) == -1) {
        free(text);
        return 2;
    }
    while (lim->seat == NONE)
        (void)limiter_turn(lim, d->now);
    while (ok && boottime_ns() < (n > 20 ? end : end + 60 * NS_PER_S)) {
        if (writes)
            n += write_one(lim, text, d->now);
        else if (limiter_board_read(lim, text, &len, &number))
            ok = ++n > 0 && is_whole(text, len);
    }
    return ok && n > 20 ? 0 : 1;
}

static void no_reader_ever_sees_a_torn_text(void)
{
    struct desk *d = desk_of(1, 10);
    pid_t pids[WRITERS + READERS];
    int status;
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(race(d, i < WRITERS));
    }
    for (i = 0; i < ARRAY_LEN(pids); i++) {
        CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
    CU_ASSERT_TRUE(desk_stats(d, 0)->board.builds > 40);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"one builds, and the rest read", one_builds_and_the_rest_read},
    {"a builder that is gone or late is passed over",
     a_builder_that_is_gone_or_late_is_passed_over},
    {"noise is no text that hurts", noise_is_no_text_that_hurts},
    {"viewers are counted over all workers",
     viewers_are_counted_over_all_workers},
    {"no reader ever sees a torn text", no_reader_ever_sees_a_torn_text},
    {NULL, NULL},
};

CU_ErrorCode test_board_add(void)
{
    return unit_add("board", tests);
}
