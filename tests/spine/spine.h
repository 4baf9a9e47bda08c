/*
 * A suite is a table of sentences; each begins with what it is about, as in
 * "queue: hang-up" or "verdict rate: ...", so that complete.c can see that
 * nothing of that kind has no test.
 */
#ifndef SPINE_SPINE_H
#define SPINE_SPINE_H

#include <stddef.h>

#include <CUnit/CUnit.h>

struct spine_test {
    const char *sentence;
    void (*run)(void);
};

static inline CU_ErrorCode spine_add_to(CU_pSuite s,
                                        const struct spine_test *tests)
{
    for (; s != NULL && tests->sentence != NULL; tests++)
        if (CU_add_test(s, tests->sentence, tests->run) == NULL)
            break;
    return CU_get_error();
}

static inline CU_ErrorCode spine_add(const char *suite,
                                     const struct spine_test *tests)
{
    return spine_add_to(CU_add_suite(suite, NULL, NULL), tests);
}

/* What the test that runs is called: where one function runs a whole table. */
static inline const char *spine_sentence(void)
{
    return CU_get_current_test()->pName;
}

CU_ErrorCode verdicts_add(void);
CU_ErrorCode silences_add(void);
CU_ErrorCode exits_add(void);
CU_ErrorCode refusals_add(void);
CU_ErrorCode errands_add(void);
CU_ErrorCode waits_add(void);
CU_ErrorCode patience_add(void);
CU_ErrorCode asking_add(void);
CU_ErrorCode messages_add(void);
CU_ErrorCode responses_add(void);
CU_ErrorCode relays_add(void);
CU_ErrorCode heads_add(void);
CU_ErrorCode pages_add(void);
CU_ErrorCode questions_add(void);
CU_ErrorCode notes_add(void);
CU_ErrorCode tokens_add(void);
CU_ErrorCode complete_add(void);

#endif
