/* Mirrors fcgi/deadlines.c. */
#include "fcgi/deadlines.h"

#include "lib/base.h"
#include "unit.h"

static void at_first_none_comes(void)
{
    struct deadlines d = {.at = {1, 2, 3}};

    deadlines_init(&d);
    CU_ASSERT_EQUAL(deadlines_next(&d, (1U << DEADLINES) - 1), NEVER);
}

static void only_those_that_count_are_looked_at(void)
{
    struct deadlines d;

    deadlines_init(&d);
    d.at[DUE_LATER] = 5;
    d.at[DUE_STALL] = 40;
    d.at[DUE_ANSWER] = 30;
    CU_ASSERT_EQUAL(deadlines_next(&d, DUE(STALL) | DUE(ANSWER)), 30);
    CU_ASSERT_EQUAL(deadlines_next(&d, DUE(STALL) | DUE(IDLE)), 40);
    CU_ASSERT_EQUAL(deadlines_next(&d, DUE(LATER) | DUE(STALL)), 5);
    CU_ASSERT_EQUAL(deadlines_next(&d, DUE(IDLE)), NEVER);
    CU_ASSERT_EQUAL(deadlines_next(&d, 0), NEVER);
}

static const struct unit_test tests[] = {
    {"at first none comes", at_first_none_comes},
    {"only those that count are looked at",
     only_those_that_count_are_looked_at},
    {NULL, NULL},
};

CU_ErrorCode test_deadlines_add(void)
{
    return unit_add("deadlines", tests);
}
