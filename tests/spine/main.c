/*
 * main.c - the way of a request, tested with a false limiter, a false upstream
 * and a clock that is set by hand.  Ends with CUnit's own summary.
 */
#include <stdio.h>

#include <CUnit/Basic.h>

#include "house.h"
#include "spine.h"

static CU_ErrorCode (*const suites[])(void) = {
    verdicts_add,  silences_add, exits_add,     refusals_add, errands_add,
    waits_add,     patience_add, relays_add,    asking_add,   messages_add,
    responses_add, pages_add,    questions_add, notes_add,    tokens_add,
    heads_add,     complete_add,
};

static unsigned run(void)
{
    size_t i;

    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (suites[i]() == CUE_SUCCESS)
            continue;
        fprintf(stderr, "spine-tests: %s\n", CU_get_error_msg());
        return 1;
    }
    CU_basic_set_mode(CU_BRM_NORMAL);
    if (CU_basic_run_tests() != CUE_SUCCESS)
        return 1;
    return CU_get_number_of_failures();
}

int main(void)
{
    unsigned failures;

    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    house_open();
    failures = run();
    house_close();
    CU_cleanup_registry();
    return failures > 0;
}
