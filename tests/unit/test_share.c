/* Long runs of several workers: is the limit kept, used up, and shared? */
#include <string.h>

#include "desk.h"

/* ---- never more, never less ----------------------------------------------- */

#define LIMIT   40
#define SPAN_MS 60500
#define RUN_MS  600000
#define SENT    2000

struct mill {
    struct desk *d;
    int64_t sent_ms[SENT], write_ms[DESK_ASKS];
    uint32_t n_sent;
};

/* When the write of ask I happens: some time after its grant. */
static void mill_step(struct mill *m, int64_t ms)
{
    struct desk *d = m->d;
    uint32_t i;

    for (i = 0; i < d->n; i++) {
        struct ask *a = &d->asks[i];

        if (a->ticket == NULL || a->grants == 0)
            continue;
        if (m->write_ms[i] == 0)
            m->write_ms[i] = ms + lab_random(400);
        if (m->write_ms[i] > ms)
            continue;
        m->sent_ms[m->n_sent++] = ms;
        desk_sent(a);
        desk_done(a, false);
    }
}

static void check_windows(const struct mill *m)
{
    uint32_t i, last = 0;

    for (i = LIMIT; i < m->n_sent; i++)
        CU_ASSERT_TRUE(m->sent_ms[i] - m->sent_ms[i - LIMIT] >= SPAN_MS);
    for (i = 0; i < m->n_sent; i++)
        last += m->sent_ms[i] > RUN_MS - 10 * SPAN_MS;
    CU_ASSERT_TRUE(last <= 10 * LIMIT);
}

static void four_saturated_workers_use_the_window_up_and_no_more(void)
{
    struct desk *d = desk_new(LIMIT);
    struct mill *m = calloc(1, sizeof(*m));
    int64_t due[DESK_WORKERS] = {0}, ms;
    uint32_t i;

    CHECK(m != NULL);
    m->d = d;
    d->set.rules[0].margin_ns = 500 * NS_PER_MS;
    for (i = 0; i < DESK_WORKERS; i++)
        desk_open(d, i);
    for (i = 0; i < 600; i++) /* enough for ten minutes */
        (void)desk_ask(d, i % DESK_WORKERS, NULL);
    for (ms = 0; ms < RUN_MS; ms++) {
        d->now = LAB_T0 + ms * NS_PER_MS;
        mill_step(m, ms);
        for (i = 0; i < DESK_WORKERS; i++)
            if (due[i] <= d->now || limiter_has_wishes(d->w[i]))
                due[i] = limiter_turn(d->w[i], d->now);
            else if (lab_random(2) == 0) /* a poke that came late */
                due[i] = limiter_turn(d->w[i], d->now);
    }
    check_windows(m);
    /* 600 s hold ten spans, the last of them short: 99 % of 400. */
    CU_ASSERT_TRUE(m->n_sent >= 396);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, m->n_sent);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.revoked, 0);
    free(m);
    desk_free(d);
}

/* ---- who gets it -------------------------------------------------------------- */

/* A slot opens each second; what is granted is sent and done at once. */
static struct desk *a_slot_a_second(void)
{
    struct desk *d = desk_new(1);
    uint32_t i;

    d->set.rules[0].window_ns = NS_PER_S;
    for (i = 0; i < DESK_WORKERS; i++)
        desk_open(d, i);
    return d;
}

static void small_clients_wait_few_rounds_behind_floods(void)
{
    struct desk *d = a_slot_a_second();
    struct limiter_request req = lab_request("flood 0", CLASS_NORMAL, 1);
    static const char *const names[] = {"flood 0", "flood 1", "small 0",
                                        "small 1"};
    struct ask *small[8];
    uint32_t i;

    for (i = 0; i < 300; i++) {
        req.client = names[i % 2];
        (void)desk_ask(d, i % DESK_WORKERS, &req);
    }
    desk_turn(d);
    desk_finish(d);
    for (i = 0; i < 2; i++) {
        desk_pass(d, 1000);
        desk_finish(d);
    }
    for (i = 0; i < 8; i++) {
        req.client = names[2 + i % 2];
        small[i] = desk_ask(d, i % DESK_WORKERS, &req);
        desk_turn(d); /* so they arrive in this order */
    }
    for (i = 0; i < 20; i++) {
        desk_pass(d, 1000);
        desk_finish(d);
    }
    /* Four clients take turns: the k-th of each goes in round k, so the last
     * of the four goes within four rounds of four slots. */
    for (i = 0; i < 8; i++) {
        int64_t rounds = (small[i]->granted_ns - LAB_T0) / NS_PER_S - 2;

        CU_ASSERT_EQUAL(small[i]->grants, 1);
        CU_ASSERT_TRUE(rounds <= 4 * (i / 2 + 1));
    }
    desk_free(d);
}

static void of_21_slots_high_gets_16_normal_4_and_low_1(void)
{
    struct desk *d = a_slot_a_second();
    struct limiter_request req = lab_request("c", CLASS_LOW, 1);
    uint32_t i, got[LIMITER_CLASSES] = {0, 0, 0};

    for (i = 0; i < 300; i++) {
        req.cls = (enum limiter_class)(i % LIMITER_CLASSES);
        req.client = i / 3 % 2 ? "a" : "b";
        (void)desk_ask(d, i % DESK_WORKERS, &req);
    }
    desk_turn(d);
    desk_finish(d);
    for (i = 1; i < 63; i++) { /* 63 slots: three times 21 */
        desk_pass(d, 1000);
        desk_finish(d);
    }
    for (i = 0; i < d->n; i++)
        got[i % LIMITER_CLASSES] += d->asks[i].grants;
    CU_ASSERT_EQUAL(got[CLASS_HIGH], 48);
    CU_ASSERT_EQUAL(got[CLASS_NORMAL], 12);
    CU_ASSERT_EQUAL(got[CLASS_LOW], 3);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"four saturated workers use the window up, and no more",
     four_saturated_workers_use_the_window_up_and_no_more},
    {"small clients wait few rounds behind floods",
     small_clients_wait_few_rounds_behind_floods},
    {"of 21 slots high gets 16, normal 4 and low 1",
     of_21_slots_high_gets_16_normal_4_and_low_1},
    {NULL, NULL},
};

CU_ErrorCode test_share_add(void)
{
    return unit_add("share", tests);
}
