/* exit_row.c - runs one row of a table of exits. */
#include "exit_row.h"

#include <string.h>

#define TABLES 4

static struct {
    const struct exit_row *rows;
    size_t n;
} tables[TABLES];

static const struct exit_row *row_of_test(void)
{
    size_t i, k;

    for (i = 0; i < TABLES; i++)
        for (k = 0; k < tables[i].n; k++)
            if (strcmp(tables[i].rows[k].sentence, spine_sentence()) == 0)
                return &tables[i].rows[k];
    CU_FAIL_FATAL("it is in no table");
    return NULL;
}

static void is_over(struct stage *st, const struct exit_row *r)
{
    if (r->ending == WHOLE)
        ENDED(st);
    if (r->ending == CUT) {
        st->is_deaf = false;
        stage_settle(st);
        BROKEN(st);
    }
    CU_ASSERT_TRUE(stage_is_over(st));
    TOLD(st, r->told);
    if (r->said != NULL)
        SAID(st, r->said);
    NOTED(st, r->noted);
}

static void run_row(void)
{
    const struct exit_row *r = row_of_test();
    struct stage *st = stage_new(NULL);

    r->bring(st);
    CU_ASSERT_FALSE(stage_is_over(st));
    if (r->happens != NULL)
        r->happens(st);
    if (r->then == NULL && r->ending == CUT)
        stage_pass(st, 100);
    CU_ASSERT_EQUAL(stage_is_over(st), r->then == NULL);
    if (r->then != NULL)
        r->then(st);
    is_over(st, r);
    stage_free(st);
}

CU_ErrorCode exit_rows_add(CU_pSuite s, const struct exit_row *rows, size_t n)
{
    size_t i = 0, k;

    while (i < TABLES && tables[i].n > 0)
        i++;
    CHECK(i < TABLES);
    tables[i].rows = rows;
    tables[i].n = n;
    for (k = 0; s != NULL && k < n; k++)
        if (CU_add_test(s, rows[k].sentence, run_row) == NULL)
            break;
    return CU_get_error();
}

void lose_state(struct stage *st)
{
    st->s.lim->lost = true;
}

void abort_all(struct stage *st)
{
    exchange_abort_all(&st->s);
    stage_settle(st);
}
