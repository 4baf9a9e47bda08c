/* Walks each list of kinds (vocabulary.h, outcomes.h, error_code.h,
 * verdict.h): what was forgotten for a row of one? */
#include "state/policy/vocabulary.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi/config/told.h"
#include "fcgi/error_code.h"
#include "fcgi/reply.h"
#include "fcgi/upstream/verdict.h"
#include "state/stats/outcomes.h"
#include "unit.h"

/* All of the text file at PATH, from the root of the tree; the caller frees. */
static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 1 << 18);

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_TRUE(fread(text, 1, (1 << 18) - 1, f) > 0);
    fclose(f);
    return text;
}

/* Is it there as a word of code, `WORD`? */
static bool has_word(const char *text, const char *word)
{
    char quoted[64];

    snprintf(quoted, sizeof(quoted), "`%s`", word);
    return strstr(text, quoted) != NULL;
}

/* The line of TEXT, a table, that begins so; "": there is none.  Cuts TEXT. */
static const char *line_of(char *text, const char *begin)
{
    char *p = strstr(text, begin);

    if (p == NULL)
        return "";
    p[strcspn(p, "\n")] = '\0';
    return p;
}

/* Each of N NAMES is there once and not empty; from FIRST on, in TEXT. */
static void check(const char *const *names, size_t n, size_t first,
                  const char *text)
{
    size_t i, k;

    for (i = first; i < n; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(names[i]);
        CU_ASSERT_TRUE(names[i][0] != '\0');
        if (!has_word(text, names[i]))
            printf("\n    %s is not documented\n", names[i]);
        CU_ASSERT_TRUE(has_word(text, names[i]));
        for (k = first; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(names[i], names[k]);
    }
}

static void what_the_status_says_is_documented(void)
{
    char *api = read_all("fcgi/API.md");

    check(limiter_class_names, LIMITER_CLASSES, 0, api);
    check(retreat_state_names, RETREAT_STATES, 0, api);
    check(hold_cause_names, HOLD_CAUSES, 0, api);
    check(ejection_cause_names, EJECTION_CAUSES, EJECTED_NOT + 1, api);
    check(limiter_answer_names, ANSWERS, 0, api);
    check(limiter_refusal_names, REFUSALS, REFUSED_NOT + 1, api);
    check(outcome_names, OUTCOMES, 0, api);
    free(api);
}

static void what_the_metrics_say_is_documented(void)
{
    char *readme = read_all("fcgi/README.md");

    check(phase_names, PHASES, PHASE_NONE + 1,
          line_of(readme, "| `disconnects_total{phase}`"));
    free(readme);
    readme = read_all("fcgi/README.md");
    check(upstream_error_names, UPSTREAM_ERRORS, UPSTREAM_FINE + 1,
          line_of(readme, "| `upstream_errors_total{provider,kind}`"));
    free(readme);
}

/* "| `CODE` | STATUS |": its line of the table says the status, too. */
static void check_code(const char *api, const struct error_row *row)
{
    char begin[64];

    snprintf(begin, sizeof(begin), "\n| `%s` | %d", row->text, row->status);
    if (strstr(api, begin) == NULL)
        printf("\n    %s (%d) has no line of its own\n", row->text,
               row->status);
    CU_ASSERT_PTR_NOT_NULL(strstr(api, begin));
}

static void each_error_has_a_row_that_holds_together(void)
{
    char *api = read_all("fcgi/API.md");
    size_t i, k;

    for (i = ERROR_NONE + 1; i < ERROR_CODES; i++) {
        const struct error_row *row = &error_rows[i];

        CU_ASSERT_TRUE(row->text[0] != '\0');
        CU_ASSERT_TRUE(strlen(row->text) < LIMITER_CODE_MAX);
        CU_ASSERT_TRUE(row->status >= 400 && row->status < 600);
        CU_ASSERT_STRING_NOT_EQUAL(reply_reason(row->status), "Status");
        CU_ASSERT_TRUE(row->retry >= -1 && row->retry <= 1);
        CU_ASSERT_NOT_EQUAL(row->outcome, OUTCOME_OK);
        if (row->reason != REASON_NONE && row->reason != REASON_OTHER &&
            i != ERROR_THREAD) /* Anthropic's word, and a reason of ours */
            CU_ASSERT_STRING_EQUAL(row->text + strlen("sluice_"),
                                   reason_names[row->reason]);
        for (k = ERROR_NONE + 1; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(row->text, error_rows[k].text);
        check_code(api, row);
    }
    free(api);
}

/* Or its counter would never rise. */
static void each_reason_has_an_error(void)
{
    size_t i, r, n;

    for (r = REASON_NONE + 1; r < REASONS; r++) {
        for (i = n = 0; i < ERROR_CODES; i++)
            n += error_rows[i].reason == (enum reason)r && i != ERROR_THREAD;
        CU_ASSERT_EQUAL(n, 1);
    }
}

static void each_refusal_is_told_as_an_error_of_ours(void)
{
    size_t i;

    for (i = 0; i < REFUSALS; i++) {
        enum error_code code = error_of_refusal((enum limiter_refusal)i);

        CU_ASSERT_TRUE(code != ERROR_NONE && code != ERROR_UPSTREAM);
        CU_ASSERT_NOT_EQUAL(error_rows[code].reason, REASON_NONE);
    }
}

static void each_bench_is_told_as_an_error(void)
{
    size_t i;

    for (i = 0; i < EJECTION_CAUSES; i++) {
        int status = told_status((enum ejection_cause)i);

        CU_ASSERT_TRUE(status >= 400 && status < 600);
        CU_ASSERT_STRING_NOT_EQUAL(reply_reason(status), "Status");
    }
}

/* What is no success is counted as an error of the upstream, and never makes
 * a request look well; what benches has a cause. */
static void each_verdict_has_a_row_that_holds_together(void)
{
    const char *names[VERDICT_KINDS];
    size_t i, k;

    for (i = 0; i < VERDICT_KINDS; i++) {
        const struct verdict_row *row = &verdict_rows[i];

        names[i] = row->name;
        CU_ASSERT_EQUAL(row->error == UPSTREAM_FINE,
                        row->outcome == OUTCOME_OK);
        CU_ASSERT_EQUAL(row->key == KEY_ACCEPTED, row->outcome == OUTCOME_OK);
        CU_ASSERT_EQUAL(row->key == KEY_REFUSED, i == VERDICT_KEY);
        CU_ASSERT_EQUAL(row->cause != EJECTED_NOT,
                        row->answer == ANSWER_OFF ||
                            row->answer == ANSWER_UNPAID);
        CU_ASSERT_TRUE(row->retry == 0 || row->retry == -1);
        for (k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(names[i], names[k]);
    }
}

CU_ErrorCode test_vocabulary_add(void)
{
    static const struct unit_test tests[] = {
        {"what the status says is documented",
         what_the_status_says_is_documented},
        {"what the metrics say is documented",
         what_the_metrics_say_is_documented},
        {"each error has a row that holds together",
         each_error_has_a_row_that_holds_together},
        {"each reason has an error", each_reason_has_an_error},
        {"each refusal is told as an error of ours",
         each_refusal_is_told_as_an_error_of_ours},
        {"each bench is told as an error", each_bench_is_told_as_an_error},
        {"each verdict has a row that holds together",
         each_verdict_has_a_row_that_holds_together},
        {NULL, NULL},
    };

    return unit_add("vocabulary", tests);
}
