/* Mirrors state/policy/queue.c and state/policy/position.c; sfq.c is the oracle. */
#include "state/policy/queue.h"

#include <string.h>

#include "lab.h"
#include "lib/sigbus.h"
#include "sfq.h"
#include "state/file/repair.h"
#include "state/policy/position.h"
#include "state/policy/row.h"
#include "state/policy/virtual_time.h"

struct pair {
    struct layout *lay;
    struct sfq q;
    uint32_t scope;
    int64_t now;
};

/* The same request in both; q's tag is the row. */
static void arrive(struct pair *p, uint32_t cls, uint32_t client)
{
    char name[8] = {'c', (char)('0' + client), 0};
    struct limiter_request req =
        lab_request(name, (enum limiter_class)cls, p->q.weight[cls][client]);
    struct row_join j = {.req = &req};
    uint32_t row = NONE, i = p->q.n++;

    req.upstream = p->scope;
    CU_ASSERT_EQUAL_FATAL(row_join(p->lay, &j, p->now, &row), REFUSED_NOT);
    p->q.r[i] = (struct sfq_request){false, cls, client,
                                     p->lay->rows[row].arrival, row};
    sfq_arrive(&p->q, i);
}

/* Both grant, and must mean the same one.  Its number, or q.n. */
static uint32_t grant(struct pair *p)
{
    uint32_t i = sfq_best(&p->q), row = queue_best(p->lay, p->scope);

    if (i == p->q.n) {
        CU_ASSERT_EQUAL(row, NONE);
        return i;
    }
    CU_ASSERT_EQUAL_FATAL(row, p->q.r[i].tag);
    row_grant(p->lay, row, p->now);
    sfq_grant(&p->q, i);
    return i;
}

static void check_positions(struct pair *p)
{
    uint32_t i, at[SFQ_REQUESTS];

    sfq_positions(&p->q, at);
    for (i = 0; i < p->q.n; i++)
        if (p->q.r[i].waits)
            CU_ASSERT_EQUAL(position_position(p->lay, p->q.r[i].tag), at[i]);
}

/* A grant that ends, comes back after a 429, or never reached the wire. */
static void grant_and_go_on(struct pair *p)
{
    uint32_t i = grant(p), row;

    if (i == p->q.n)
        return;
    row = p->q.r[i].tag;
    switch (lab_random(7)) {
    case 0: /* unsent */
        sfq_refund(&p->q, i);
        row_again(p->lay, row, p->now);
        sfq_arrive(&p->q, i);
        return;
    case 1: /* gave up before it was sent */
        sfq_refund(&p->q, i);
        row_leave(p->lay, row);
        return;
    case 2: /* sent back */
        CU_ASSERT_TRUE(row_sent(p->lay, row, p->now));
        row_again(p->lay, row, p->now);
        sfq_arrive(&p->q, i);
        return;
    default:
        CU_ASSERT_TRUE(row_sent(p->lay, row, p->now));
        row_leave(p->lay, row);
    }
}

static void leave_one(struct pair *p)
{
    uint32_t i, from = lab_random(SFQ_REQUESTS);

    for (i = 0; i < p->q.n; i++) {
        uint32_t k = (from + i) % p->q.n;

        if (!p->q.r[k].waits)
            continue;
        row_leave(p->lay, p->q.r[k].tag);
        sfq_leave(&p->q, k);
        return;
    }
}

static void start_pair(struct pair *p, uint32_t scope)
{
    uint32_t cls, client;

    memset(&p->q, 0, sizeof(p->q));
    p->scope = scope;
    p->lay->rules[scope] = lab_lay_rules(10000, 1, 0);
    for (cls = 0; cls < SFQ_CLASSES; cls++)
        for (client = 0; client < SFQ_CLIENTS; client++)
            p->q.weight[cls][client] =
                lab_random(2) == 0 ? 1 : 1 + lab_random(5);
}

/* MIX: of ten, how many are arrivals, and how many leave. */
static void run_pair(struct pair *p, uint32_t arrivals, uint32_t leaves)
{
    uint32_t classes = 1 + lab_random(SFQ_CLASSES);
    uint32_t clients = 1 + lab_random(SFQ_CLIENTS);
    uint32_t what;

    while (p->q.n < SFQ_REQUESTS) {
        what = lab_random(10);
        p->now += lab_random(2) * 1000;
        p->lay->live.now_ns = p->now;
        if (what < arrivals)
            arrive(p, lab_random(classes), lab_random(clients));
        else if (what < arrivals + leaves)
            leave_one(p);
        else
            grant_and_go_on(p);
        if (lab_random(6) == 0)
            check_positions(p);
    }
    while (queue_best(p->lay, p->scope) != NONE)
        grant_and_go_on(p);
    CU_ASSERT_EQUAL(sfq_best(&p->q), p->q.n);
}

static void it_agrees_with_the_oracle_in_any_schedule(void)
{
    struct pair p = {.now = LAB_T0};
    uint32_t i;

    p.lay = lab_new();
    for (i = 0; i < 2000; i++) {
        if (i % LAY_UPSTREAMS == 0) { /* fresh scopes, and flows */
            free(p.lay);
            p.lay = lab_new();
        }
        start_pair(&p, i % LAY_UPSTREAMS);
        run_pair(&p, 4 + lab_random(4), lab_random(2));
    }
    lab_is_settled(p.lay);
    free(p.lay);
}

/* As after so many grants that virtual time is about to be set back: in the
 * midst of each schedule. */
static void grow_old(struct pair *p)
{
    struct lay_scope *s = scope_at(p->lay, p->scope);
    uint32_t cls;

    s->v = VTIME_MARK - (1 + lab_random(20)) * QUEUE_QUANTUM;
    for (cls = 0; cls < LIMITER_CLASSES; cls++)
        s->cls[cls].v = VTIME_MARK - (1 + lab_random(20)) * QUEUE_QUANTUM;
}

static void it_agrees_when_virtual_time_is_set_back(void)
{
    struct pair p = {.now = LAB_T0};
    uint32_t i, cls;

    p.lay = lab_new();
    for (i = 0; i < 400; i++) {
        if (i % LAY_UPSTREAMS == 0) {
            free(p.lay);
            p.lay = lab_new();
        }
        start_pair(&p, i % LAY_UPSTREAMS);
        grow_old(&p);
        run_pair(&p, 4 + lab_random(4), lab_random(2));
        CU_ASSERT_TRUE(p.lay->scopes[p.scope].v < VTIME_MARK);
        for (cls = 0; cls < LIMITER_CLASSES; cls++)
            CU_ASSERT_TRUE(p.lay->scopes[p.scope].cls[cls].v < VTIME_MARK);
    }
    lab_is_settled(p.lay);
    free(p.lay);
}

static void repair(void *lay)
{
    repair_run(lay, LAB_T0);
}

/* A thousand grants a second for twelve days, or as many for ten years: who
 * opens the file then finds it sound. */
static void it_never_grows_too_old(void)
{
    struct layout *lay = lab_new();
    const char *what = "";
    uint32_t i, row;

    lay->rules[0] = lab_lay_rules(10000, 60, 0);
    lay->scopes[0].cls[CLASS_NORMAL].v = (UINT64_C(1) << 62) - 2;
    lay->scopes[0].v = (UINT64_C(1) << 62) - 2;
    for (i = 0; i < 3; i++) {
        row = lab_join(lay, "c", LAB_T0);
        row_grant(lay, row, LAB_T0);
    }
    CU_ASSERT_EQUAL(sigbus_run(repair, lay, &what), GUARD_OK);
    CU_ASSERT_STRING_EQUAL(what, "");
    free(lay);
}

/* Its writer was killed when it had set back some of the flows, or none: debts
 * are those of one request at most, and the order is that of the arrivals. */
static void it_may_be_set_back_by_halves(void)
{
    struct layout *lay = lab_new();
    uint32_t a = lab_join(lay, "a", LAB_T0), b, i;

    row_grant(lay, a, LAB_T0); /* both owe one */
    b = lab_join(lay, "b", LAB_T0);
    row_grant(lay, b, LAB_T0);
    lay->scopes[0].cls[CLASS_NORMAL].v = 0;
    for (i = 0; i < LAY_FLOWS; i++)
        if (lay->flows[i].used)
            lay->flows[i].finish += VTIME_MARK;
    repair_run(lay, LAB_T0);
    for (i = 0; i < LAY_FLOWS; i++)
        if (lay->flows[i].used)
            CU_ASSERT_TRUE(lay->flows[i].finish <= QUEUE_QUANTUM);
    a = lab_join(lay, "a", LAB_T0);
    b = lab_join(lay, "b", LAB_T0);
    CU_ASSERT_EQUAL(queue_best(lay, 0), a);
    CU_ASSERT_EQUAL(position_position(lay, b), 1);
    free(lay);
}

/* A repair throws lines and starts away; the order must survive it. */
static void a_repair_changes_no_order(void)
{
    struct pair p = {.now = LAB_T0};
    uint32_t i, k;

    p.lay = lab_new();
    for (i = 0; i < 30; i++) {
        start_pair(&p, i % LAY_UPSTREAMS);
        free(p.lay);
        p.lay = lab_new();
        start_pair(&p, i % LAY_UPSTREAMS);
        for (k = 0; k < 60; k++) {
            if (lab_random(3) > 0)
                arrive(&p, lab_random(3), lab_random(SFQ_CLIENTS));
            else
                (void)grant(&p);
            p.lay->live.now_ns = p.now;
            if (k % 10 == 0)
                repair_run(p.lay, p.now);
        }
        check_positions(&p);
        while (grant(&p) != p.q.n)
            continue;
    }
    free(p.lay);
}

static void classes_share_16_to_4_to_1(void)
{
    struct pair p = {.now = LAB_T0};
    uint32_t i, got[3] = {0, 0, 0};

    p.lay = lab_new();
    start_pair(&p, 0);
    for (i = 0; i < SFQ_REQUESTS; i++)
        arrive(&p, i % 3, i % 2);
    for (i = 0; i < 21; i++)
        got[p.q.r[grant(&p)].cls]++;
    CU_ASSERT_EQUAL(got[CLASS_HIGH], 16);
    CU_ASSERT_EQUAL(got[CLASS_NORMAL], 4);
    CU_ASSERT_EQUAL(got[CLASS_LOW], 1);
    free(p.lay);
}

static void a_returned_request_is_first_of_its_own_line(void)
{
    struct layout *lay = lab_new();
    uint32_t a = lab_join(lay, "c", LAB_T0), b = lab_join(lay, "c", LAB_T0);

    row_grant(lay, a, LAB_T0);
    CU_ASSERT_TRUE(row_sent(lay, a, LAB_T0));
    row_again(lay, a, LAB_T0);
    CU_ASSERT_EQUAL(queue_best(lay, 0), a);
    CU_ASSERT_EQUAL(position_position(lay, a), 0);
    CU_ASSERT_EQUAL(position_position(lay, b), 1);
    free(lay);
}

static void a_waiter_that_leaves_costs_its_client_nothing(void)
{
    struct layout *lay = lab_new();
    uint32_t a = lab_join(lay, "a", LAB_T0), b = lab_join(lay, "b", LAB_T0);
    int i;

    for (i = 0; i < 50; i++) {
        row_leave(lay, a);
        a = lab_join(lay, "a", LAB_T0);
    }
    row_grant(lay, b, LAB_T0); /* b is older; then a, before b's second */
    b = lab_join(lay, "b", LAB_T0);
    CU_ASSERT_EQUAL(queue_best(lay, 0), a);
    free(lay);
}

static void rows_of_a_stalled_worker_are_passed_over(void)
{
    struct layout *lay = lab_new();
    uint32_t a = lab_join(lay, "c", LAB_T0), b;

    lay->workers[7].stalled = lay->live.stalled = 1;
    b = lab_join(lay, "c", LAB_T0);
    lay->rows[a].worker = 7;
    CU_ASSERT_EQUAL(queue_best(lay, 0), b);
    lay->rows[b].worker = 7;
    CU_ASSERT_EQUAL(queue_best(lay, 0), NONE);
    lay->workers[7].stalled = lay->live.stalled = 0;
    CU_ASSERT_EQUAL(queue_best(lay, 0), a);
    free(lay);
}

static const struct unit_test tests[] = {
    {"it agrees with the oracle in any schedule, positions too",
     it_agrees_with_the_oracle_in_any_schedule},
    {"it agrees when virtual time is set back",
     it_agrees_when_virtual_time_is_set_back},
    {"it never grows too old", it_never_grows_too_old},
    {"it may be set back by halves", it_may_be_set_back_by_halves},
    {"a repair changes no order", a_repair_changes_no_order},
    {"classes share 16 to 4 to 1", classes_share_16_to_4_to_1},
    {"a returned request is first of its own line",
     a_returned_request_is_first_of_its_own_line},
    {"a waiter that leaves costs its client nothing",
     a_waiter_that_leaves_costs_its_client_nothing},
    {"rows of a stalled worker are passed over",
     rows_of_a_stalled_worker_are_passed_over},
    {NULL, NULL},
};

CU_ErrorCode test_queue_add(void)
{
    return unit_add("queue", tests);
}
