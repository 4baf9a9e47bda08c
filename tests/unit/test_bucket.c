/* Mirrors state/policy/bucket.c. */
#include "state/policy/bucket.h"

#include "lab.h"

static const struct bucket_rule seven = {7000, 1, 1}; /* a token in 7,000 ns */
static const struct bucket_rule ten = {60, 30, 10};   /* a token in 2 ns */

static void a_new_bucket_is_full(void)
{
    struct bucket b;

    bucket_init(&b, &ten, 5);
    CU_ASSERT_EQUAL(bucket_wait_ns(&b, &ten, 5, 10), 0);
    CU_ASSERT_EQUAL(bucket_wait_ns(&b, &ten, 5, 11), 2);
}

static void a_token_comes_back_after_its_time(void)
{
    struct bucket b;
    int64_t t;

    bucket_init(&b, &seven, 0);
    bucket_charge(&b, &seven, 1, 0);
    for (t = 0; t < 7000; t++) {
        CU_ASSERT_EQUAL(bucket_wait_ns(&b, &seven, t, 1), 7000 - t);
        bucket_fill(&b, &seven, t); /* looking does not postpone it */
    }
    CU_ASSERT_EQUAL(bucket_wait_ns(&b, &seven, 7000, 1), 0);
}

static void it_never_holds_more_than_the_burst(void)
{
    struct bucket b;

    bucket_init(&b, &ten, 0);
    bucket_fill(&b, &ten, INT64_MAX / 2);
    CU_ASSERT_EQUAL(b.level, ten.burst * ten.window_ns);
}

static void a_clock_that_goes_back_adds_nothing(void)
{
    struct bucket b;

    bucket_init(&b, &seven, 10000);
    bucket_charge(&b, &seven, 1, 10000);
    bucket_fill(&b, &seven, 2000);
    CU_ASSERT_EQUAL(b.at_ns, 10000);
    CU_ASSERT_EQUAL(b.level, 0);
}

/* The oracle adds one nanosecond at a time. */
static void it_agrees_with_a_bucket_filled_by_the_nanosecond(void)
{
    int round;

    for (round = 0; round < 300; round++) {
        struct bucket_rule r = {1 + lab_random(50), 1 + lab_random(20), 0};
        struct bucket b;
        int64_t level, t, step;

        r.burst = 1 + lab_random((uint32_t)r.requests);
        bucket_init(&b, &r, 0);
        level = b.level;
        for (t = 0; t < 300; t++) {
            level += t > 0 ? r.requests : 0;
            if (level > r.burst * r.window_ns)
                level = r.burst * r.window_ns;
            step = lab_random(8);
            if (step == 0) {
                bucket_charge(&b, &r, 1, t);
                level -= r.window_ns;
            } else if (step == 1) {
                bucket_fill(&b, &r, t);
                CU_ASSERT_EQUAL(b.level, level);
            } else if (level < r.window_ns) {
                CU_ASSERT_EQUAL(bucket_wait_ns(&b, &r, t, 1),
                                (r.window_ns - level + r.requests - 1) /
                                    r.requests);
            }
        }
    }
}

static void other_rules_keep_the_tokens(void)
{
    const struct bucket_rule minute = {60 * NS_PER_S, 40, 20};
    const struct bucket_rule second = {NS_PER_S, 40, 10};
    struct bucket b;
    int i;

    bucket_init(&b, &minute, 0);
    for (i = 0; i < 13; i++)
        bucket_charge(&b, &minute, 1, 0);
    bucket_convert(&b, &minute, &second);
    CU_ASSERT_EQUAL(bucket_tokens_milli(&b, &second), 7000);
    bucket_convert(&b, &second, &minute);
    CU_ASSERT_EQUAL(bucket_tokens_milli(&b, &minute), 7000);
    bucket_init(&b, &minute, 0);
    bucket_convert(&b, &minute, &second);
    CU_ASSERT_EQUAL(bucket_tokens_milli(&b, &second), 10000);
}

static void the_largest_rule_does_not_overflow(void)
{
    const struct bucket_rule r = {86400 * NS_PER_S, 10000, 10000};
    struct bucket b;
    int i;

    bucket_init(&b, &r, 0);
    for (i = 0; i < 10000; i++)
        bucket_charge(&b, &r, 1, 0);
    CU_ASSERT_EQUAL(b.level, 0);
    CU_ASSERT_EQUAL(bucket_wait_ns(&b, &r, 0, 1), 8640000000);
    CU_ASSERT_EQUAL(bucket_wait_ns(&b, &r, 0, 20000), 2 * r.window_ns);
    for (i = 0; i < LAY_ROWS; i++)
        bucket_charge(&b, &r, 1, 0);
    bucket_fill(&b, &r, r.window_ns);
    CU_ASSERT_EQUAL(b.level / r.window_ns, 10000 - LAY_ROWS);
}

static const struct unit_test tests[] = {
    {"a new bucket is full", a_new_bucket_is_full},
    {"a token comes back after its time, however often one looks",
     a_token_comes_back_after_its_time},
    {"it never holds more than the burst", it_never_holds_more_than_the_burst},
    {"a clock that goes back adds nothing",
     a_clock_that_goes_back_adds_nothing},
    {"it agrees with a bucket filled by the nanosecond",
     it_agrees_with_a_bucket_filled_by_the_nanosecond},
    {"other rules keep the tokens", other_rules_keep_the_tokens},
    {"the largest rule does not overflow", the_largest_rule_does_not_overflow},
    {NULL, NULL},
};

CU_ErrorCode test_bucket_add(void)
{
    return unit_add("bucket", tests);
}
