/*
 * Damage that a worker comes upon in the middle of its turn: the file is given
 * up, and what the turn had done of a request by then is done once.
 */
#include <string.h>

#include "desk.h"
#include "state/worker.h"

static struct lay_rules *rules(const struct desk *d)
{
    return &desk_layout(d, 0)->rules[0];
}

/* The file was given up once, and all that was unknown is over. */
static void expect_new_file(struct desk *d)
{
    desk_turn(d);
    desk_pass(d, 1000);
    CU_ASSERT_TRUE(desk_has_logged(d, "state_lost"));
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.recoveries, 1);
    desk_pass(d, 62000);
    lab_recount(desk_layout(d, 0));
}

/* A row is made for it; then the rules prove to be none. */
static void a_join_is_done_once(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a = desk_ask(d, 0, NULL);

    rules(d)->window_ns = -1;
    expect_new_file(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].in_flight, 1);
    desk_done(a, false);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* Its row is in line again; then a hold proves to be none. */
static void a_request_comes_back_once(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_sent(a);
    desk_turn(d);
    desk_again(a, false);
    desk_layout(d, 0)->live.limited = 1;
    desk_layout(d, 0)->debts[0].ejection.until_ns = -1;
    expect_new_file(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_done(a, false);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* It accepts what it was offered; then the rules prove to be none. */
static void a_grant_is_told_or_was_none(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b;

    desk_turn(d);
    b = desk_ask(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_done(a, true);
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.offered, 1);
    rules(d)->window_ns = -1;
    (void)limiter_turn(d->w[1], d->now);
    expect_new_file(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_done(b, false);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* Each of these would let nobody go until somebody died. */
static void a_log_that_seems_full(void)
{
    static const struct {
        size_t at;
        uint32_t value;
    } wrong[] = {
        {offsetof(struct lay_live, open), LAY_CHUNKS},
        {offsetof(struct lay_live, open), UINT32_MAX},
        {offsetof(struct lay_live, free_chunks), 0},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        struct desk *d = desk_of(1, 4);
        struct ask *a;

        desk_turn(d);
        memcpy((char *)&desk_layout(d, 0)->live + wrong[i].at, &wrong[i].value,
               sizeof(uint32_t));
        a = desk_ask(d, 0, NULL);
        expect_new_file(d);
        CU_ASSERT_EQUAL(a->grants, 1);
        desk_free(d);
    }
}

static const struct unit_test tests[] = {
    {"a join is done once", a_join_is_done_once},
    {"a request comes back once", a_request_comes_back_once},
    {"a grant is told, or was none", a_grant_is_told_or_was_none},
    {"a log that seems full is looked at", a_log_that_seems_full},
    {NULL, NULL},
};

CU_ErrorCode test_torn_add(void)
{
    return unit_add("torn", tests);
}
