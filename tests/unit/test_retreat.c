/* Mirrors state/policy/retreat.c; what the workers make of it is in test_verdicts.c. */
#include "state/policy/retreat.h"

#include <string.h>

#include "lab.h"

#define S  NS_PER_S
#define MS NS_PER_MS

static const struct retreat_rule rule = {60 * S, 500 * MS, 300 * S, 40};

/* N sends at T. */
static void send_n(struct retreat *r, uint32_t n, int64_t t)
{
    while (n-- > 0)
        retreat_sent(r, &rule, t);
}

/* One that was written SENT and granted as number GRANT is refused. */
static bool refuse(struct retreat *r, int64_t sent, uint64_t grant,
                   int64_t retry_after, int64_t now)
{
    struct retreat_refusal what = {sent, grant, grant + 100, retry_after,
                                   "429"};

    return retreat_refused(r, &rule, &what, now);
}

/* Lets time pass until NOW. */
static void pass(struct retreat *r, int64_t now)
{
    while (retreat_advance(r, &rule, now))
        CU_ASSERT_TRUE(retreat_is_sane(r, now));
    CU_ASSERT_TRUE(retreat_is_sane(r, now));
}

/* Recovering at NOW, after 40 sends of which 20 were refused. */
static int64_t recovering(struct retreat *r)
{
    int64_t now = LAB_T0;
    uint32_t i;

    memset(r, 0, sizeof(*r));
    send_n(r, 40, now);
    for (i = 0; i < 20; i++)
        (void)refuse(r, now, 1 + i, -1, now + MS);
    now = r->until_ns;
    pass(r, now);
    retreat_probe(r, 3, 7, now);
    retreat_sent(r, &rule, now);
    CU_ASSERT_TRUE(retreat_answered(r, &rule, 1000, now + MS));
    return now + MS;
}

/* ---- holding ------------------------------------------------------------------ */

static void a_hold_lasts_until_the_upstreams_window_has_reopened(void)
{
    struct retreat r = {0};

    send_n(&r, 10, LAB_T0);
    send_n(&r, 10, LAB_T0 + 30 * S);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0 + 30 * S, 20, -1, LAB_T0 + 31 * S));
    CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 60 * S + 500 * MS);
    pass(&r, r.until_ns - 1);
    CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
    pass(&r, r.until_ns);
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
}

static void a_window_opens_at_the_first_hit_after_the_last_expired(void)
{
    struct retreat r = {0};

    send_n(&r, 1, LAB_T0);
    send_n(&r, 1, LAB_T0 + 59 * S);
    send_n(&r, 1, LAB_T0 + 75 * S); /* the first is over: this opens one */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0 + 75 * S, 3, -1, LAB_T0 + 76 * S));
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 135 * S + 500 * MS);
}

static void retry_after_is_obeyed_within_bounds(void)
{
    struct retreat r = {0};

    send_n(&r, 5, LAB_T0);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, 7 * S, LAB_T0 + S));
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 8 * S);
    pass(&r, LAB_T0 + 8 * S);
    send_n(&r, 1, LAB_T0 + 9 * S); /* what was told to wait for has opened */
    CU_ASSERT_EQUAL(r.opened_ns, LAB_T0 + 9 * S);
    memset(&r, 0, sizeof(r));
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, 120 * S, LAB_T0));
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 120 * S);
    memset(&r, 0, sizeof(r)); /* retreat.max_s */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, 10800 * S, LAB_T0));
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 300 * S);
    memset(&r, 0, sizeof(r));
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, 0, LAB_T0));
    CU_ASSERT_TRUE(r.until_ns > LAB_T0 && r.until_ns < LAB_T0 + S);
}

static void without_a_known_window_the_back_off_is_jittered(void)
{
    struct retreat r = {0}, again = {0};
    int64_t seen[8];
    uint32_t i, k, same = 0;

    for (i = 0; i < ARRAY_LEN(seen); i++) {
        int64_t now = LAB_T0 + i * S;

        memset(&r, 0, sizeof(r));
        CU_ASSERT_TRUE(refuse(&r, now, 5, -1, now));
        seen[i] = r.until_ns - now;
        CU_ASSERT_TRUE(seen[i] >= 60 * S / 16 && seen[i] <= 60 * S / 8);
        for (k = 0; k < i; k++)
            same += seen[k] == seen[i];
    }
    CU_ASSERT_EQUAL(same, 0);
    CU_ASSERT_TRUE(refuse(&again, LAB_T0 + 7 * S, 5, -1, LAB_T0 + 7 * S));
    CU_ASSERT_EQUAL(again.until_ns, r.until_ns); /* and can be played again */
}

static void each_refused_probe_makes_the_hold_longer_up_to_the_bound(void)
{
    struct retreat r = {0};
    int64_t now = LAB_T0, floor = 60 * S / 16;
    uint64_t grant = 0;
    uint32_t i;

    for (i = 0; i < 12; i++) {
        CU_ASSERT_TRUE(refuse(&r, now, grant += 200, 0, now));
        CU_ASSERT_EQUAL(r.streak, i);
        if (i > 0) {
            CU_ASSERT_TRUE(r.until_ns - now >= min_i64(floor, 150 * S));
            floor *= 2;
        }
        CU_ASSERT_TRUE(r.until_ns - now <= 300 * S);
        now = r.until_ns;
        pass(&r, now);
        CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
        retreat_probe(&r, 0, 1, now);
    }
}

static void sends_older_than_the_hold_neither_lengthen_nor_escalate_it(void)
{
    struct retreat r = {0};
    int64_t until;
    uint32_t i;

    send_n(&r, 40, LAB_T0);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 10, -1, LAB_T0 + S));
    until = r.until_ns;
    for (i = 0; i < 19; i++)
        CU_ASSERT_FALSE(refuse(&r, LAB_T0, 11 + i, 60 * S, LAB_T0 + 2 * S));
    CU_ASSERT_EQUAL(r.until_ns, until);
    CU_ASSERT_EQUAL(r.streak, 0);
    CU_ASSERT_EQUAL(r.allowance, 20); /* but they are counted */
    pass(&r, until);
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 30, -1, until + S));
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
    CU_ASSERT_FALSE(retreat_answered(&r, &rule, 31, until + S));
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
    CU_ASSERT_TRUE(retreat_answered(&r, &rule, 200, until + S));
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 32, -1, until + 2 * S));
    CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
}

/* ---- recovering -------------------------------------------------------------- */

static void recovery_starts_with_what_was_tolerated_and_grows_by_steps(void)
{
    static const uint32_t expected[] = {20, 20, 21, 23, 27, 35, 40};
    struct retreat r;
    int64_t now = recovering(&r);
    uint32_t i;

    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 20);
    for (i = 0; i < ARRAY_LEN(expected); i++) {
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), expected[i]);
        now += 60500 * MS;
        pass(&r, now);
    }
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(r.streak, 0);
}

static void an_idle_recovery_is_over_after_a_while(void)
{
    struct retreat r;
    int64_t now = recovering(&r);

    pass(&r, now + 3600 * S);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
}

static void a_refusal_while_recovering_holds_longer_and_waits_longer(void)
{
    struct retreat r;
    int64_t now = recovering(&r);
    int64_t opened = r.opened_ns;

    send_n(&r, 20, now); /* with the probe one more than is tolerated */
    CU_ASSERT_TRUE(refuse(&r, now, 1020, -1, now + S));
    CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(r.streak, 1);
    CU_ASSERT_TRUE(r.until_ns > opened + 60500 * MS + 60 * S / 17);
    CU_ASSERT_EQUAL(r.calm_next, 3);
    pass(&r, r.until_ns);
    retreat_probe(&r, 0, 1, r.until_ns);
    now = r.until_ns + S;
    CU_ASSERT_TRUE(retreat_answered(&r, &rule, 2000, now));
    pass(&r, now + 3 * 60500 * MS);
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 15); /* three calm windows */
    CU_ASSERT_EQUAL(r.streak, 0);
    pass(&r, now + 4 * 60500 * MS);
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 16);
}

static void an_operator_ends_it_at_once(void)
{
    struct retreat r = {0};

    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 1, -1, LAB_T0));
    retreat_end(&r, LAB_T0 + S);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 40);
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 2, -1, LAB_T0 + S)); /* old news */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0 + S, 500, -1, LAB_T0 + S));
    CU_ASSERT_EQUAL(r.streak, 0);
}

/* ---- any order of events ------------------------------------------------------- */

static void no_order_of_events_leaves_the_bounds(void)
{
    struct retreat_rule u;
    struct retreat r;
    uint64_t grant = 0;
    int64_t now = LAB_T0;
    uint32_t round, i;

    for (round = 0; round < 3000; round++) {
        u = (struct retreat_rule){1 + lab_random(1u << lab_random(31)),
                                  lab_random(1000), MS + lab_random(1u << 30),
                                  1 + lab_random(10000)};
        memset(&r, 0, sizeof(r));
        for (i = 0; i < 60; i++) {
            struct retreat_refusal what = {now - lab_random(1000),
                                           grant - lab_random(3), grant,
                                           (int64_t)lab_random(3) * S - S, ""};
            uint32_t n = lab_random(50);

            now += lab_random(1u << lab_random(31));
            for (; n > 0; n--, grant++)
                retreat_sent(&r, &u, now);
            if (lab_random(3) == 0)
                (void)retreat_refused(&r, &u, &what, now);
            if (lab_random(3) == 0)
                (void)retreat_answered(&r, &u, grant, now);
            while (lab_random(2) == 0 && retreat_advance(&r, &u, now))
                continue;
            CU_ASSERT_TRUE_FATAL(retreat_is_sane(&r, now));
            CU_ASSERT_TRUE(retreat_limit(&r, u.requests) >= 1);
            CU_ASSERT_TRUE(retreat_limit(&r, u.requests) <= u.requests);
            if (r.state == RETREAT_HOLDING)
                CU_ASSERT_TRUE(r.until_ns <= r.since_ns + u.max_ns + 50 * MS);
        }
    }
}

static const struct unit_test tests[] = {
    {"a hold lasts until the upstream's window has reopened",
     a_hold_lasts_until_the_upstreams_window_has_reopened},
    {"a window opens at the first hit after the last expired",
     a_window_opens_at_the_first_hit_after_the_last_expired},
    {"Retry-After is obeyed, within bounds",
     retry_after_is_obeyed_within_bounds},
    {"without a known window the back-off is jittered",
     without_a_known_window_the_back_off_is_jittered},
    {"each refused probe makes the hold longer, up to the bound",
     each_refused_probe_makes_the_hold_longer_up_to_the_bound},
    {"sends older than the hold neither lengthen nor escalate it",
     sends_older_than_the_hold_neither_lengthen_nor_escalate_it},
    {"recovery starts with what was tolerated and grows by steps",
     recovery_starts_with_what_was_tolerated_and_grows_by_steps},
    {"an idle recovery is over after a while",
     an_idle_recovery_is_over_after_a_while},
    {"a refusal while recovering holds longer and waits longer",
     a_refusal_while_recovering_holds_longer_and_waits_longer},
    {"an operator ends it at once", an_operator_ends_it_at_once},
    {"no order of events leaves the bounds",
     no_order_of_events_leaves_the_bounds},
    {NULL, NULL},
};

CU_ErrorCode test_retreat_add(void)
{
    return unit_add("retreat", tests);
}
