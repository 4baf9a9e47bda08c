/* Mirrors state/stats/reservoir.c. */
#include "state/stats/reservoir.h"

#include <string.h>

#include "lab.h"

static void nothing_has_no_percentile(void)
{
    struct reservoir s = {{0}, 0};

    CU_ASSERT_EQUAL(reservoir_at(&s, SPREAD_TIME, 50), -1);
}

static void a_percentile_is_right_to_half_an_octave(void)
{
    static const uint64_t values[] = {2,     100,    3000,      50000,
                                      99999, 700000, 123456789, 400000000};
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(values); i++) {
        struct reservoir s = {{0}, 0};
        double v = (double)values[i], low = v < 100 ? 0 : v / 1.4143;

        reservoir_add(&s, 100, values[i], 20);
        if (v > 100 * 370000.0) { /* beyond the last step: at least that */
            CU_ASSERT_TRUE(reservoir_at(&s, 100, 50) > 100 * 370000.0);
            continue;
        }
        CU_ASSERT_TRUE(reservoir_at(&s, 100, 5) >= low);
        CU_ASSERT_TRUE(reservoir_at(&s, 100, 95) <=
                       (v < 100 ? 100 : v * 1.4143));
    }
}

static void percentiles_are_in_order(void)
{
    struct reservoir s = {{0}, 0};
    uint32_t i;

    for (i = 1; i <= 100; i++)
        reservoir_add(&s, SPREAD_TIME, i * 10000, 1);
    CU_ASSERT_DOUBLE_EQUAL(reservoir_at(&s, SPREAD_TIME, 50), 500000, 100000);
    CU_ASSERT_DOUBLE_EQUAL(reservoir_at(&s, SPREAD_TIME, 95), 950000, 150000);
}

static void what_is_old_fades(void)
{
    struct reservoir s = {{0}, 0};
    uint32_t i;

    for (i = 0; i < 5000; i++)
        reservoir_add(&s, SPREAD_TIME, 1000000, 1);
    CU_ASSERT_TRUE(s.sum <= SPREAD_FULL);
    for (i = 0; i < 400; i++)
        reservoir_add(&s, SPREAD_TIME, 60000000, 1);
    CU_ASSERT_TRUE(reservoir_at(&s, SPREAD_TIME, 50) > 30000000);
    CU_ASSERT_TRUE(reservoir_at(&s, SPREAD_TIME, 5) < 2000000);
    for (i = 0; i < 5000; i++)
        reservoir_add(&s, SPREAD_TIME, 60000000, 1);
    CU_ASSERT_TRUE(reservoir_at(&s, SPREAD_TIME, 1) > 30000000);
}

static void spreads_are_merged(void)
{
    struct reservoir a = {{0}, 0}, b = {{0}, 0};

    reservoir_add(&a, SPREAD_GAP, 1000, 10);
    reservoir_add(&b, SPREAD_GAP, 50000, 30);
    reservoir_merge(&a, &b);
    CU_ASSERT_EQUAL(a.sum, 40);
    CU_ASSERT_TRUE(reservoir_at(&a, SPREAD_GAP, 20) < 2000);
    CU_ASSERT_TRUE(reservoir_at(&a, SPREAD_GAP, 50) > 30000);
}

static void noise_is_a_spread(void)
{
    struct reservoir s, t = {{0}, 0};
    uint32_t round, i;

    memset(&s, 0xff, sizeof(s));
    for (round = 0; round < 1000; round++) {
        reservoir_add(&s, SPREAD_TIME, lab_random(UINT32_MAX), 1 + round);
        reservoir_merge(&t, &s);
        (void)reservoir_at(&s, SPREAD_TIME, 95);
        for (i = 0; i < sizeof(s); i++)
            ((unsigned char *)&s)[i] = (unsigned char)lab_random(256);
    }
    for (i = 0; i < 2000; i++) /* it heals by itself */
        reservoir_add(&s, SPREAD_TIME, 3000, 1);
    CU_ASSERT_TRUE(s.sum <= SPREAD_FULL);
    CU_ASSERT_DOUBLE_EQUAL(reservoir_at(&s, SPREAD_TIME, 50), 3000, 1300);
}

CU_ErrorCode test_reservoir_add(void)
{
    static const struct unit_test tests[] = {
        {"nothing has no percentile", nothing_has_no_percentile},
        {"a percentile is right to half an octave",
         a_percentile_is_right_to_half_an_octave},
        {"percentiles are in order", percentiles_are_in_order},
        {"what is old fades", what_is_old_fades},
        {"spreads are merged", spreads_are_merged},
        {"noise is a spread", noise_is_a_spread},
        {NULL, NULL},
    };

    return unit_add("spread", tests);
}
