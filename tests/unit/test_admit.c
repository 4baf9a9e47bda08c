/* Mirrors state/policy/admit.c: the window's part of it is in test_window.c. */
#include "state/policy/admit.h"

#include <string.h>

#include "lab.h"
#include "state/file/repair.h"
#include "state/policy/row.h"

/* ---- each rule by itself ------------------------------------------------- */

static void the_gap_keeps_two_sends_apart(void)
{
    struct layout *lay = lab_new();

    lay->rules[0].min_gap_ns = 250;
    lab_send(lay, LAB_T0);
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 249));
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 250));
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 2, LAB_T0 + 100), LAB_T0 + 750);
    free(lay);
}

/* A slow connection: what counts is when it is written. */
static void the_gap_lies_between_writes(void)
{
    struct layout *lay = lab_new();
    int64_t gap = NS_PER_S / 2, at = LAB_T0 + 7 * NS_PER_S;
    uint32_t row = lab_join(lay, "c", LAB_T0);

    lay->rules[0].min_gap_ns = gap;
    row_grant(lay, row, LAB_T0);
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + gap));
    CU_ASSERT_FALSE(lab_may_send(lay, at));
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 0, at), at + gap); /* as if now */
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 1, at), at + 2 * gap);
    lay->live.now_ns = at;
    CU_ASSERT_TRUE(row_sent(lay, row, at));
    CU_ASSERT_FALSE(lab_may_send(lay, at + gap - 1));
    CU_ASSERT_TRUE(lab_may_send(lay, at + gap));
    free(lay);
}

/* Its worker is stopped: the others are slow, but they go. */
static void an_open_one_holds_the_next_a_minute_at_most(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);
    int64_t when, at = LAB_T0 + 60 * NS_PER_S;

    lay->rules[0].min_gap_ns = 250;
    row_grant(lay, row, LAB_T0);
    CU_ASSERT_FALSE(admit_now(lay, 0, TAKE_ONE, LAB_T0 + 250, &when));
    CU_ASSERT_EQUAL(when, at);
    CU_ASSERT_FALSE(lab_may_send(lay, at - 1));
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 0, at - 100), at);
    CU_ASSERT_TRUE(lab_may_send(lay, at));
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 0, at), at);
    free(lay);
}

static void a_small_burst_smooths(void)
{
    struct layout *lay = lab_new();
    int i;

    lay->rules[0] = lab_lay_rules(60, 60, 0);
    lay->rules[0].burst = 5;
    for (i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0));
        lab_send(lay, LAB_T0);
    }
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + NS_PER_S - 1));
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + NS_PER_S));
    CU_ASSERT_EQUAL(admit_tokens_milli(lay, 0, LAB_T0 + 3 * NS_PER_S / 2),
                    1500);
    free(lay);
}

static void open_requests_have_a_claim_on_tokens(void)
{
    struct layout *lay = lab_new();
    uint32_t row[5];
    int i;

    lay->rules[0] = lab_lay_rules(60, 60, 0);
    lay->rules[0].burst = 5;
    for (i = 0; i < 5; i++) {
        row[i] = lab_join(lay, "c", LAB_T0);
        row_grant(lay, row[i], LAB_T0);
    }
    /* The bucket may be full again: the five can go out all at once. */
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 30 * NS_PER_S));
    row_leave(lay, row[0]); /* unsent: its token was never taken */
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 30 * NS_PER_S));
    free(lay);
}

static void requests_in_flight_are_limited(void)
{
    struct layout *lay = lab_new();
    uint32_t row = lab_join(lay, "c", LAB_T0);
    int64_t when;

    lay->rules[0].in_flight = 1;
    row_grant(lay, row, LAB_T0);
    CU_ASSERT_FALSE(admit_now(lay, 0, TAKE_ONE, LAB_T0, &when));
    CU_ASSERT_EQUAL(when, NEVER); /* no time: an event */
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 1));
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 0, LAB_T0), NEVER);
    row_leave(lay, row);
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 1));
    free(lay);
}

/* ---- ETAs against grants ------------------------------------------------------ */

/* Writes what is open, then grants and writes one after the other, each at
 * the first time admit_now() lets it. */
static void simulate(struct layout *lay, uint32_t n, int64_t now, int64_t *out)
{
    uint32_t i, k;
    int64_t when = now;

    for (i = 0; i < LAY_ROWS; i++)
        if (lay->rows[i].state == ROW_OPEN)
            CU_ASSERT_TRUE(row_sent(lay, i, now));
    for (k = 0; k < n; k++) {
        for (i = 0; !lab_may_send(lay, now); i++) {
            (void)admit_now(lay, 0, TAKE_ONE, now, &when);
            CU_ASSERT_TRUE_FATAL(when > now && i < 5);
            now = when;
        }
        out[k] = now;
        lab_send(lay, now);
    }
}

static void random_past(struct layout *lay)
{
    struct lay_rules *r = &lay->rules[0];
    uint32_t n = lab_random(14);
    int64_t now = lay->live.now_ns + 5000;

    r->window_ns = 100 + lab_random(500);
    r->margin_ns = lab_random(40);
    r->requests = 1 + lab_random(9);
    r->burst = 1 + lab_random(r->requests);
    r->burst = lab_random(2) == 0 ? r->requests : r->burst;
    r->min_gap_ns = lab_random(3) == 0 ? lab_random(90) : 0;
    for (; n > 0; n--, now += lab_random(60)) {
        lay->live.now_ns = now;
        if (!lab_may_send(lay, now) && lab_random(10) > 0)
            continue; /* else: as under a limit that was lowered */
        if (lab_random(3) > 0)
            lab_send(lay, now);
        else
            row_grant(lay, lab_join(lay, "c", now), now);
    }
    if (lab_random(6) == 0)
        lay->live.lost_ns[0] = now - lab_random(300);
    lay->live.now_ns = now;
}

static void the_eta_of_the_kth_is_when_it_goes(void)
{
    struct layout *lay = lab_new(), *copy = malloc(sizeof(*copy));
    int64_t eta[40], when[40];
    uint32_t k, i, round;

    CHECK(copy != NULL);
    for (round = 0; round < 600; round++) {
        random_past(lay);
        admit_refresh(lay, 0, lay->live.now_ns);
        admit_etas(lay, 0, NULL, ARRAY_LEN(eta), lay->live.now_ns, eta);
        for (k = 0; k < ARRAY_LEN(eta); k++)
            CU_ASSERT_EQUAL(admit_eta(lay, 0, k, lay->live.now_ns), eta[k]);
        *copy = *lay;
        simulate(copy, ARRAY_LEN(eta), lay->live.now_ns, when);
        for (k = 0; k < ARRAY_LEN(eta); k++)
            CU_ASSERT_EQUAL(eta[k], when[k]);
        for (i = 0; i < lay->live.rows_high; i++)
            if (lay->rows[i].state != ROW_FREE)
                row_leave(lay, i);
    }
    free(copy);
    free(lay);
}

static const struct unit_test tests[] = {
    {"the gap keeps two sends apart", the_gap_keeps_two_sends_apart},
    {"the gap lies between writes", the_gap_lies_between_writes},
    {"an open one holds the next a minute at most",
     an_open_one_holds_the_next_a_minute_at_most},
    {"a small burst smooths", a_small_burst_smooths},
    {"open requests have a claim on tokens",
     open_requests_have_a_claim_on_tokens},
    {"requests in flight are limited", requests_in_flight_are_limited},
    {"the ETA of the k-th is when it goes", the_eta_of_the_kth_is_when_it_goes},
    {NULL, NULL},
};

CU_ErrorCode test_admit_add(void)
{
    return unit_add("admit", tests);
}
