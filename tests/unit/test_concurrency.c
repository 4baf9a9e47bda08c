/* Mirrors state/policy/concurrency.c and chance.c. */
#include "state/policy/concurrency.h"

#include "lab.h"

/* One of IN_FLIGHT, the last that was granted, is refused. */
static bool refuse(struct concurrency *c, uint32_t in_flight, uint64_t grant)
{
    struct concurrency_refusal what = {grant, grant, in_flight, 0, -1};

    return concurrency_cut(c, &what, LAB_T0);
}

/* N are answered well while others are there. */
static void answer(struct concurrency *c, uint32_t n, uint64_t grant)
{
    while (n-- > 0)
        (void)concurrency_grow(c, grant, 3);
}

/* A burst of 20 of which 4 are taken. */
static struct concurrency capped(void)
{
    struct concurrency c = {0};
    struct concurrency_refusal what = {1, 20, 20, 0, -1};

    for (; what.in_flight > 4; what.in_flight--, what.grant++)
        (void)concurrency_cut(&c, &what, LAB_T0);
    return c;
}

static void a_model_rests_for_as_long_as_it_says(void)
{
    struct concurrency c = {0};
    struct concurrency_refusal what = {1, 1, 1, 0, 120 * NS_PER_S};

    CU_ASSERT_TRUE(concurrency_cut(&c, &what, LAB_T0));
    CU_ASSERT_TRUE(concurrency_rests(&c, LAB_T0 + 119 * NS_PER_S));
    CU_ASSERT_FALSE(concurrency_rests(&c, LAB_T0 + 120 * NS_PER_S));
}

static void a_burst_tells_how_many_are_borne(void)
{
    struct concurrency c = capped();

    CU_ASSERT_EQUAL(c.limit, 4);
    CU_ASSERT_TRUE(concurrency_blocks(&c, 4, LAB_T0));
    CU_ASSERT_FALSE(concurrency_blocks(&c, 3, LAB_T0));
}

/* Those of the burst that ended meanwhile were borne, too. */
static void what_was_answered_meanwhile_counts(void)
{
    struct concurrency c = {0};
    struct concurrency_refusal what = {1, 20, 20, 0, -1};

    CU_ASSERT_TRUE(concurrency_cut(&c, &what, LAB_T0));
    CU_ASSERT_EQUAL(c.limit, 15);
    answer(&c, 15, 7);
    what.grant = 2;
    what.in_flight = 4;
    CU_ASSERT_FALSE(concurrency_cut(&c, &what, LAB_T0));
    CU_ASSERT_EQUAL(c.limit, 15);
}

static void its_own_number_is_believed(void)
{
    struct concurrency c = {0};
    struct concurrency_refusal what = {5, 10, 40, 16, -1};

    CU_ASSERT_TRUE(concurrency_cut(&c, &what, LAB_T0));
    CU_ASSERT_EQUAL(c.limit, 16);
    answer(&c, 16 * 15, 11);
    CU_ASSERT_EQUAL(c.limit, 16);
}

/* How many answers until one more is tried, after each time that was refused? */
static void a_limit_that_stays_costs_ever_fewer_refusals(void)
{
    struct concurrency c = capped();
    uint32_t i, n, last = 0;
    uint64_t grant = 100;

    for (i = 0; i < 4; i++) {
        for (n = 0; c.limit == 4 && n < 1000; n++)
            answer(&c, 1, grant);
        CU_ASSERT_EQUAL(c.limit, 5);
        CU_ASSERT_TRUE(n >= 8 && (n == 2 * last || last == 0 || n == 64));
        last = n;
        CU_ASSERT_TRUE(refuse(&c, 5, ++grant));
        CU_ASSERT_EQUAL(c.limit, 4);
        grant++;
    }
}

static void a_ceiling_is_forgotten_at_twice_the_first(void)
{
    struct concurrency c = {0};
    uint32_t n = 0;

    CU_ASSERT_TRUE(refuse(&c, 8, 10));
    CU_ASSERT_EQUAL(c.limit, 6);
    CU_ASSERT_FALSE(concurrency_grow(&c, 10, 3)); /* older than the cut */
    while (!concurrency_grow(&c, 21, 3) && n < 1000)
        n++;
    CU_ASSERT_TRUE(n > 200 && n < 400);
    CU_ASSERT_FALSE(concurrency_blocks(&c, 1000, LAB_T0));
}

/* Half of what is sent is refused, however few there are: to send fewer helps
 * nobody. */
static void who_refuses_by_chance_is_not_limited_for_long(void)
{
    struct concurrency c = {0};
    uint32_t i, limited = 0;
    uint64_t grant = 1;

    for (i = 0; i < 2000; i++) {
        uint32_t n = c.limit == 0 || c.limit > 20 ? 20 : c.limit, k;

        grant++;
        for (k = n; k > 0; k--)
            if (lab_random(2) == 0)
                (void)refuse(&c, k, grant);
            else
                (void)concurrency_grow(&c, grant, k);
        limited += c.limit > 0 && c.limit < 10;
    }
    CU_ASSERT_TRUE(limited < 600);
}

/* The first of a lonely one are free, then it rests ever longer. */
static void a_lonely_one_rests_ever_longer(void)
{
    struct concurrency c = {0};
    int64_t span = 0;
    uint32_t i;

    (void)refuse(&c, 1, 1);
    CU_ASSERT_FALSE(concurrency_rests(&c, LAB_T0));
    for (i = 2; i < 12; i++) {
        (void)refuse(&c, 1, i);
        CU_ASSERT_TRUE(c.rest_ns - LAB_T0 >= span);
        span = c.rest_ns - LAB_T0;
    }
    CU_ASSERT_EQUAL(span, 32 * NS_PER_S);
}

static void chance_explains_what_is_likely(void)
{
    struct chance c = {0, 0};
    uint32_t i;

    CU_ASSERT_EQUAL(chance_share(&c), 0);
    chance_note(&c, 18, 1); /* one is none */
    CU_ASSERT_EQUAL(chance_share(&c), 0);
    chance_note(&c, 0, 1);
    CU_ASSERT_DOUBLE_EQUAL(chance_share(&c), 0.1, 0.001);
    CU_ASSERT_TRUE(chance_explains(0.1, 4, 40));
    CU_ASSERT_TRUE(chance_explains(0.1, 9, 40));
    CU_ASSERT_FALSE(chance_explains(0.1, 11, 40));
    CU_ASSERT_FALSE(chance_explains(0, 1, 40));
    for (i = 0; i < 1000; i++)
        chance_note(&c, 9, 1);
    CU_ASSERT_DOUBLE_EQUAL(chance_share(&c), 0.1, 0.02);
    CU_ASSERT_TRUE(c.fine <= 200);
}

static const struct unit_test tests[] = {
    {"a model rests for as long as it says",
     a_model_rests_for_as_long_as_it_says},
    {"a burst tells how many are borne", a_burst_tells_how_many_are_borne},
    {"what was answered meanwhile counts", what_was_answered_meanwhile_counts},
    {"its own number is believed", its_own_number_is_believed},
    {"a limit that stays costs ever fewer refusals",
     a_limit_that_stays_costs_ever_fewer_refusals},
    {"a ceiling is forgotten at twice the first",
     a_ceiling_is_forgotten_at_twice_the_first},
    {"who refuses by chance is not limited for long",
     who_refuses_by_chance_is_not_limited_for_long},
    {"a lonely one rests ever longer", a_lonely_one_rests_ever_longer},
    {"chance explains what is likely", chance_explains_what_is_likely},
    {NULL, NULL},
};

CU_ErrorCode test_concurrency_add(void)
{
    return unit_add("concurrency", tests);
}
