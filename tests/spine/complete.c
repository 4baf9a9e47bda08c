/*
 * complete.c - is there a test for everything that can be?
 *
 * Tests are found by how their names begin: "verdict KIND:", "silence END:",
 * "refused WHY" and "STEP: EXIT".  The kinds are those of the enums, so that a
 * new one fails here until it has a name and a test.
 */
#include <string.h>

#include "fcgi/step.h"
#include "fcgi/upstream/verdict.h"
#include "spine.h"
#include "stage.h"

static bool has_test(const char *begin)
{
    size_t n = strlen(begin);
    CU_pSuite s;
    CU_pTest t;

    for (s = CU_get_registry()->pSuite; s != NULL; s = s->pNext)
        for (t = s->pTest; t != NULL; t = t->pNext)
            if (strncmp(t->pName, begin, n) == 0 &&
                (t->pName[n] == ':' || t->pName[n] == '\0'))
                return true;
    return false;
}

static void is_tested(const char *what, const char *name)
{
    char begin[96];

    (void)snprintf(begin, sizeof(begin), "%s%s", what, name);
    if (has_test(begin))
        return;
    printf("\n    no test is called \"%s\"\n", begin);
    CU_FAIL("something has no test");
}

/* NAMES of all N kinds; one that is new has none. */
static void are_tested(const char *what, const char *const *names, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (names[i] == NULL)
            printf("\n    %s%zu has no name in complete.c\n", what, i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(names[i]);
        is_tested(what, names[i]);
    }
}

static void verdicts(void)
{
    size_t i;

    for (i = 0; i < VERDICT_KINDS; i++)
        is_tested("verdict ", verdict_rows[i].name);
}

/* The compiler says which is missing here. */
static const char *name_of_end(enum transfer_end how)
{
    switch (how) {
    case END_OK:
        return "ok";
    case END_UNREACHABLE:
        return "unreachable";
    case END_LOST:
        return "lost";
    case END_TRUNCATED:
        return "truncated";
    case END_GARBAGE:
        return "garbage";
    case END_STALE:
        return "stale";
    case END_HELD:
        return "held";
    }
    return NULL;
}

static void silences(void)
{
    const char *name;
    int how;

    for (how = 0; (name = name_of_end((enum transfer_end)how)) != NULL; how++)
        is_tested("silence ", name);
    CU_ASSERT_TRUE(how > END_HELD);
}

static void refusals(void)
{
    static const char *const names[REFUSALS] = {
        [REFUSED_NOT] = "not",
        [REFUSED_QUEUE_FULL] = "queue full",
        [REFUSED_CLIENT_FULL] = "client full",
        [REFUSED_BYTES] = "bytes",
        [REFUSED_DEADLINE] = "deadline",
        [REFUSED_TABLE] = "table",
        [REFUSED_STATE] = "state",
        [REFUSED_MODEL_OFF] = "model off",
        [REFUSED_UPSTREAM_HELD] = "upstream held",
        [REFUSED_TOKENS] = "tokens",
    };

    are_tested("refused ", names, ARRAY_LEN(names));
}

/* ---- steps --------------------------------------------------------------------- */

static const char *const exit_names[] = {"normal",     "hang-up", "cancel",
                                         "deadline",   "drain",   "pause",
                                         "state lost", "abort"};

/* A step, and what cannot happen in it. */
static const struct step_row {
    const char *name;
    const char *never; /* exits, and why not */
} step_names[STEP_DONE] = {
    [STEP_ROUTE] = {"route", "hang-up cancel deadline drain pause state lost "
                             "abort: nothing waits there"},
    [STEP_LATER] = {"later", "cancel pause: it has no ticket"},
    [STEP_PAGE] = {"page", "cancel pause: it has no ticket"},
    [STEP_ADMIT] = {"admit", "hang-up cancel deadline drain pause state lost "
                             "abort: nothing waits there"},
    [STEP_QUEUE] = {"queue", ""},
    [STEP_FORWARD] = {"forward", ""},
    [STEP_PAUSE] = {"pause", ""},
    [STEP_RELAY] = {"relay", ""},
    [STEP_FLUSH] = {"flush", "cancel pause state lost: its ticket has ended"},
    [STEP_SETTLE] = {"settle", "hang-up cancel deadline drain pause state lost "
                               "abort: nothing waits there"},
};

static void exits_of(const struct step_row *row)
{
    char what[64];
    size_t i;

    (void)snprintf(what, sizeof(what), "%s: ", row->name);
    for (i = 0; i < ARRAY_LEN(exit_names); i++)
        if (strstr(row->never, exit_names[i]) == NULL)
            is_tested(what, exit_names[i]);
}

static void steps(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(step_names); i++) {
        if (step_names[i].name == NULL)
            printf("\n    step %zu has no row in complete.c\n", i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(step_names[i].name);
        exits_of(&step_names[i]);
    }
}

static const struct spine_test tests[] = {
    {"every kind of verdict has a test", verdicts},
    {"every end of a transfer has one", silences},
    {"every refusal has one", refusals},
    {"every step has one for each thing that can happen in it", steps},
    {NULL, NULL},
};

CU_ErrorCode complete_add(void)
{
    return spine_add("complete", tests);
}
