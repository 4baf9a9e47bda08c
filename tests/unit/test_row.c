/* Mirrors state/policy/row.c and state/policy/names.c. */
#include "state/policy/row.h"

#include <string.h>

#include "lab.h"
#include "state/file/repair.h"
#include "state/policy/names.h"
#include "state/policy/queue.h"
#include "state/policy/rescope.h"
#include "state/policy/wants.h"
#include "state/policy/window.h"

static enum limiter_refusal join(struct layout *lay,
                                 const struct limiter_request *req,
                                 uint32_t *row)
{
    struct row_join j = {.req = req, .worker = lab_random(4)};

    return row_join(lay, &j, lay->live.now_ns, row);
}

/* ---- counts ----------------------------------------------------------------- */

/* Two or three upstreams, by the same name or another; half of all have none. */
static void random_choices(struct limiter_request *req,
                           struct limiter_choice *choices)
{
    uint32_t i;

    req->n_choices = lab_random(2) * (2 + lab_random(2));
    for (i = 0; i < req->n_choices; i++)
        choices[i] = (struct limiter_choice){
            i == 0 ? req->upstream : lab_random(3),
            lab_random(3) == 0 ? "other" : req->model, i, lab_random(9)};
    req->choices = choices;
}

static void random_join(struct layout *lay)
{
    char client[3] = {'c', (char)('a' + lab_random(5)), 0};
    char model[3] = {'m', (char)('a' + lab_random(5)), 0};
    struct limiter_choice choices[3];
    struct limiter_request req = lab_request(client, lab_random(3), 1);
    uint32_t row;

    req.upstream = lab_random(2);
    req.body_bytes = lab_random(1000);
    if (lab_random(3) > 0)
        req.model = model;
    random_choices(&req, choices);
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
}

/* It takes one of its choices, if it has any, and maybe has a slot kept first. */
static void random_mark(struct layout *lay, uint32_t i)
{
    if (!wants_has(lay, i) || (lay->rows[i].flags & ROW_KEPT) != 0)
        return;
    wants_mark(lay, i, lab_random(lay->wants[i].n));
    if (wants_home(lay, i).scope == NONE)
        wants_mark(lay, i, 0);
    if (lab_random(2) == 0)
        queue_keep(lay, i);
}

/* Any transition that the row's state allows. */
static void random_step(struct layout *lay, uint32_t i)
{
    int64_t now = lay->live.now_ns;
    uint32_t what = lab_random(4);

    if (lay->rows[i].state == ROW_FREE)
        return;
    if (what == 0) {
        row_leave(lay, i);
        return;
    }
    switch (lay->rows[i].state) {
    case ROW_WAITING:
        random_mark(lay, i);
        if (what == 3 && (lay->rows[i].flags & ROW_KEPT) != 0)
            queue_keep_no_longer(lay, i);
        else if (what == 3 && wants_has(lay, i))
            wants_unmark(lay, i);
        else if (what == 1)
            row_offer(lay, i, now);
        else
            row_grant(lay, i, now);
        return;
    case ROW_OFFERED:
        if (what == 1)
            row_revoke(lay, i, now);
        else
            row_grant(lay, i, now);
        return;
    case ROW_OPEN:
        if (what == 1)
            row_again(lay, i, now);
        else if (what == 2)
            row_aside(lay, i, 3 * NS_PER_S, now);
        else
            CU_ASSERT_TRUE(row_sent(lay, i, now));
        return;
    case ROW_SENT:
        if (what == 1)
            row_aside(lay, i, 3 * NS_PER_S, now);
        else
            row_again(lay, i, now);
        return;
    default:
        if (what == 1)
            row_body_gone(lay, i);
        else
            row_again(lay, i, now);
    }
}

/* The rules name another scope now: all rows go along, in any state. */
static void change_scope(struct layout *lay, uint32_t upstream)
{
    lay->rules[upstream].per_model ^= 1;
    rescope_rows(lay, lay->live.now_ns);
}

/* Some of three upstreams have a line in common now. */
static void change_line(struct layout *lay)
{
    uint32_t i, lead = lab_random(3);

    for (i = 0; i < 3; i++)
        lay->rules[i].line =
            i == lead || (i > lead && lab_random(2) == 0) ? lead + 1 : 0;
    rescope_rows(lay, lay->live.now_ns);
}

static void counts_are_those_of_the_slots_and_return_to_zero(void)
{
    struct layout *lay = lab_new();
    int i;

    lay->rules[0] = lab_lay_rules(100, 60, 0);
    lay->rules[1] = lab_lay_rules(100, 60, 0);
    lay->rules[1].per_model = 1;
    lay->rules[2] = lab_lay_rules(100, 60, 0);
    for (i = 0; i < 20000; i++) {
        lay->live.now_ns += 1000;
        if (lay->live.rows_high < 40 && lab_random(3) == 0)
            random_join(lay);
        else if (lay->live.rows_high > 0)
            random_step(lay, lab_random(lay->live.rows_high));
        if (lab_random(50) == 0)
            change_scope(lay, lab_random(2));
        if (lab_random(20) == 0)
            change_line(lay);
        if (i % 200 == 0)
            lab_recount(lay);
    }
    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state != ROW_FREE)
            row_leave(lay, i);
    lab_is_settled(lay);
    free(lay);
}

static void a_send_is_logged_once_whatever_follows(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);

    row_grant(lay, row, LAB_T0);
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 1);
    row_again(lay, row, LAB_T0);
    row_leave(lay, row);
    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 1);
    free(lay);
}

/* ---- repair --------------------------------------------------------------- */

/* A writer dies after it logged a send and before it told the row. */
static void a_send_that_was_only_logged_is_not_open_any_more(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);

    row_grant(lay, row, LAB_T0);
    window_push(lay, 0, LAB_T0, TAKE_ONE, lay->rows[row].grant);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_SENT);
    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 1);
    CU_ASSERT_EQUAL(lay->scopes[0].open, 0);
    free(lay);
}

static void a_second_grant_is_not_taken_for_the_first(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);

    row_grant(lay, row, LAB_T0);
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
    row_again(lay, row, LAB_T0);
    row_grant(lay, row, LAB_T0);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_OPEN);
    CU_ASSERT_EQUAL(lay->scopes[0].open, 1);
    free(lay);
}

static void an_offer_survives_a_repair(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);

    row_offer(lay, row, LAB_T0);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_OFFERED);
    CU_ASSERT_EQUAL(lay->live.offered, 1);
    CU_ASSERT_EQUAL(lay->scopes[0].open, 1);
    row_revoke(lay, row, LAB_T0);
    CU_ASSERT_EQUAL(queue_best(lay, 0), row);
    free(lay);
}

/* ---- bounds ---------------------------------------------------------------- */

static void the_bounds_of_the_queue_are_true(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    uint32_t row, first;

    lay->bounds = (struct lay_bounds){3, 2, 100};
    req.body_bytes = 30;
    CU_ASSERT_EQUAL(join(lay, &req, &first), REFUSED_NOT);
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_CLIENT_FULL);
    req.client = "b";
    req.body_bytes = 41;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_BYTES);
    req.body_bytes = UINT64_MAX;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_BYTES);
    req.body_bytes = 40;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    req.body_bytes = 0;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_QUEUE_FULL);
    row_offer(lay, first, LAB_T0); /* may come back: still in the queue */
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_QUEUE_FULL);
    row_grant(lay, first, LAB_T0);
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    CU_ASSERT_EQUAL(lay->live.held_bytes, 100);
    row_body_gone(lay, first);
    CU_ASSERT_EQUAL(lay->live.held_bytes, 70);
    free(lay);
}

static void a_full_table_of_rows_is_a_refusal(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    uint32_t row, i;

    for (i = 0; i < LAY_ROWS; i++) {
        CU_ASSERT_EQUAL_FATAL(join(lay, &req, &row), REFUSED_NOT);
        row_grant(lay, row, LAB_T0);
    }
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_TABLE);
    row_leave(lay, 77);
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    lab_recount(lay);
    free(lay);
}

static void a_full_table_of_clients_is_a_refusal(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("", CLASS_NORMAL, 1);
    char name[16];
    uint32_t row, i;

    req.client = name;
    for (i = 0; i < LAY_CLIENTS; i++) {
        snprintf(name, sizeof(name), "client %u", i);
        CU_ASSERT_EQUAL_FATAL(join(lay, &req, &row), REFUSED_NOT);
    }
    strcpy(name, "one more");
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_TABLE);
    row_leave(lay, 5); /* the only one of client 5, who makes room */
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    lab_recount(lay);
    free(lay);
}

static void models_make_room_when_their_windows_are_empty(void)
{
    struct layout *lay = lab_new();
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    char name[16];
    uint32_t row, i;

    lay->rules[0].per_model = 1;
    req.model = name;
    for (i = 0; i < LAY_MODELS; i++) {
        snprintf(name, sizeof(name), "model %u", i);
        CU_ASSERT_EQUAL_FATAL(join(lay, &req, &row), REFUSED_NOT);
        row_grant(lay, row, LAB_T0);
        CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
        row_leave(lay, row);
    }
    strcpy(name, "one more");
    lay->live.now_ns = LAB_T0 + 60 * NS_PER_S - 1;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_TABLE);
    lay->live.now_ns = LAB_T0 + 60 * NS_PER_S;
    CU_ASSERT_EQUAL(join(lay, &req, &row), REFUSED_NOT);
    CU_ASSERT_EQUAL(lay->scopes[lay->rows[row].scope].window.n, 0);
    lab_recount(lay);
    free(lay);
}

static const struct unit_test tests[] = {
    {"counts are those of the slots, and return to zero",
     counts_are_those_of_the_slots_and_return_to_zero},
    {"a send is logged once, whatever follows",
     a_send_is_logged_once_whatever_follows},
    {"a send that was only logged is not open any more",
     a_send_that_was_only_logged_is_not_open_any_more},
    {"a second grant is not taken for the first",
     a_second_grant_is_not_taken_for_the_first},
    {"an offer survives a repair", an_offer_survives_a_repair},
    {"the bounds of the queue are true", the_bounds_of_the_queue_are_true},
    {"a full table of rows is a refusal", a_full_table_of_rows_is_a_refusal},
    {"a full table of clients is a refusal",
     a_full_table_of_clients_is_a_refusal},
    {"models make room when their windows are empty",
     models_make_room_when_their_windows_are_empty},
    {NULL, NULL},
};

CU_ErrorCode test_row_add(void)
{
    return unit_add("row", tests);
}
