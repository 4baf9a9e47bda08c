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
        retreat_sent(r, &rule, 0, t);
}

/* One that was written SENT and granted as number GRANT is refused. */
static bool refuse(struct retreat *r, int64_t sent, uint64_t grant,
                   int64_t retry_after, int64_t now)
{
    struct retreat_refusal what = {sent, 0, grant, grant, retry_after, "429"};

    return retreat_refused(r, &rule, &what, now);
}

/* And this one is answered. */
static bool answer(struct retreat *r, int64_t sent, uint64_t grant, int64_t now)
{
    return retreat_answered(r, &rule, grant, sent, now);
}

/* Lets time pass until NOW. */
static void pass(struct retreat *r, int64_t now)
{
    while (retreat_advance(r, &rule, now))
        CU_ASSERT_TRUE(retreat_is_sane(r, now));
    CU_ASSERT_TRUE(retreat_is_sane(r, now));
}

/* The next one goes AT as number GRANT, as a probe where one is wanted. */
static void go(struct retreat *r, uint64_t grant, int64_t at)
{
    retreat_taken(r, at);
    if (r->state == RETREAT_PROBING)
        retreat_probe(r, 3, grant, at);
    retreat_sent(r, &rule, grant, at);
}

/* A probe, as soon as it may go, is refused 50 ms later.  When that is. */
static int64_t refuse_probe(struct retreat *r, uint64_t grant)
{
    int64_t at = r->until_ns;

    pass(r, at);
    CU_ASSERT_EQUAL(r->state, RETREAT_PROBING);
    go(r, grant, at);
    CU_ASSERT_TRUE(refuse(r, at, grant, -1, at + 50 * MS));
    return at + 50 * MS;
}

/* 40 sends at LAB_T0, of which N are refused. */
static void burst(struct retreat *r, uint32_t n)
{
    uint32_t i;

    memset(r, 0, sizeof(*r));
    send_n(r, 40, LAB_T0);
    for (i = 0; i < n; i++)
        (void)refuse(r, LAB_T0, 40 - i, -1, LAB_T0 + 50 * MS);
}

/* A window of 20 was full: recovering, at the time that is returned. */
static int64_t recovering(struct retreat *r)
{
    int64_t now;

    burst(r, 20);
    while (r->until_ns < LAB_T0 + 60 * S)
        (void)refuse_probe(r, 1000 + (uint64_t)(r->until_ns / S));
    now = r->until_ns;
    pass(r, now);
    go(r, UINT64_C(1) << 40, now);
    CU_ASSERT_TRUE(answer(r, now, UINT64_C(1) << 40, now + MS));
    CU_ASSERT_EQUAL(r->state, RETREAT_RECOVERING);
    return now + MS;
}

/* ---- holding ------------------------------------------------------------------ */

static void one_tries_soon_then_ever_later_and_when_the_window_must_have_opened(
    void)
{
    struct retreat r;
    int64_t now, spans[3] = {500 * MS, 2 * S, 8 * S};
    uint32_t i;

    burst(&r, 20);
    now = LAB_T0 + 50 * MS;
    for (i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
        CU_ASSERT_TRUE(r.until_ns - now <= spans[i]);
        CU_ASSERT_TRUE(r.until_ns - now >= spans[i] / 4 * 3);
        pass(&r, r.until_ns - 1);
        CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
        now = refuse_probe(&r, 1000 + i * 1000);
    }
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 60 * S + 500 * MS);
}

static void a_window_opens_at_the_first_hit_after_the_last_expired(void)
{
    struct retreat r = {0};

    send_n(&r, 1, LAB_T0);
    send_n(&r, 1, LAB_T0 + 59 * S);
    send_n(&r, 1, LAB_T0 + 75 * S); /* the first is over: this opens one */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0 + 75 * S, 3, -1, LAB_T0 + 76 * S));
    CU_ASSERT_EQUAL(r.find.reopens_ns, LAB_T0 + 135 * S + 500 * MS);
}

static void retry_after_is_obeyed_within_bounds(void)
{
    struct retreat r = {0};

    send_n(&r, 5, LAB_T0);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, 7 * S, LAB_T0 + S));
    CU_ASSERT_EQUAL(r.until_ns, LAB_T0 + 8 * S);
    pass(&r, LAB_T0 + 8 * S);
    send_n(&r, 1, LAB_T0 + 9 * S); /* what was told to wait for has opened */
    CU_ASSERT_EQUAL(r.window.opened_ns, LAB_T0 + 9 * S);
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

static void tries_are_jittered_and_can_be_played_again(void)
{
    struct retreat r = {0}, again = {0};
    int64_t seen[8];
    uint32_t i, k, same = 0;

    for (i = 0; i < ARRAY_LEN(seen); i++) {
        int64_t now = LAB_T0 + i * S;

        memset(&r, 0, sizeof(r));
        CU_ASSERT_TRUE(refuse(&r, now, 5, -1, now));
        seen[i] = r.until_ns - now;
        for (k = 0; k < i; k++)
            same += seen[k] == seen[i];
    }
    CU_ASSERT_EQUAL(same, 0);
    CU_ASSERT_TRUE(refuse(&again, LAB_T0 + 7 * S, 5, -1, LAB_T0 + 7 * S));
    CU_ASSERT_EQUAL(again.until_ns, r.until_ns);
}

static void what_never_passes_is_tried_ever_more_rarely_up_to_the_bound(void)
{
    struct retreat r;
    int64_t last = LAB_T0, span = 0;
    uint32_t i;

    burst(&r, 40);
    for (i = 0; i < 12; i++) {
        span = r.until_ns - last;
        last = refuse_probe(&r, 1000 + i * 1000);
        CU_ASSERT_TRUE(r.until_ns - last <= 300 * S);
    }
    CU_ASSERT_TRUE(span >= 225 * S);
}

/* On a slow way the rest of the burst is refused when one could try already, and
 * our own window may have no room for it. */
static void refusals_that_come_when_one_could_try_are_counted(void)
{
    struct retreat r = {0};
    int64_t at;
    uint32_t i;

    send_n(&r, 40, LAB_T0);
    for (i = 0; i < 5; i++)
        (void)refuse(&r, LAB_T0, 40 - i, -1, LAB_T0 + 50 * MS);
    pass(&r, r.until_ns);
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
    for (i = 5; i < 20; i++)
        CU_ASSERT_FALSE(refuse(&r, LAB_T0, 40 - i, -1, r.until_ns + MS));
    CU_ASSERT_EQUAL(r.find.suspect, 20);

    at = LAB_T0 + 60 * S + 500 * MS;
    go(&r, 1000, at);
    CU_ASSERT_TRUE(answer(&r, at, 1000, at + MS));
    CU_ASSERT_EQUAL(r.window.allowance, 20);
}

/* Workers tell of what they sent and of what was refused in any order. */
static void a_send_that_is_told_after_refusals_counts(void)
{
    struct retreat r = {0};
    uint32_t i;

    send_n(&r, 25, LAB_T0);
    for (i = 0; i < 8; i++)
        (void)refuse(&r, LAB_T0, 40 - i, -1, LAB_T0 + 50 * MS);
    CU_ASSERT_EQUAL(r.find.suspect, 17);
    send_n(&r, 15, LAB_T0);
    for (i = 8; i < 20; i++)
        (void)refuse(&r, LAB_T0, 40 - i, -1, LAB_T0 + 50 * MS);
    CU_ASSERT_EQUAL(r.find.suspect, 20);
}

/* What comes when the window is over says nothing of the next one. */
static void a_refusal_later_than_the_window_is_not_counted(void)
{
    struct retreat r;

    burst(&r, 19);
    while (r.until_ns < LAB_T0 + 60 * S)
        (void)refuse_probe(&r, 1000 + (uint64_t)(r.until_ns / S));
    pass(&r, r.until_ns);
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 20, -1, r.until_ns));
    CU_ASSERT_EQUAL(r.find.suspect, 21);
}

/* It was out of order, or somebody else took all of it. */
static void a_window_in_which_nothing_passed_tells_of_no_size(void)
{
    struct retreat r;
    int64_t now;
    uint32_t i;

    burst(&r, 40);
    CU_ASSERT_EQUAL(r.find.suspect, 0); /* without a try, too */
    while (r.until_ns < LAB_T0 + 60 * S)
        (void)refuse_probe(&r, 1000 + (uint64_t)(r.until_ns / S));
    now = r.until_ns;
    pass(&r, now);
    for (i = 0; i < 9; i++) {
        go(&r, (UINT64_C(1) << 40) + i, now);
        CU_ASSERT_TRUE(retreat_limit(&r, 40) == 40);
    }
    CU_ASSERT_TRUE(answer(&r, now, UINT64_C(1) << 40, now + MS));
    CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
    CU_ASSERT_EQUAL(r.find.opening, 1);
    for (i = 1; i < 9; i++)
        (void)answer(&r, now, (UINT64_C(1) << 40) + i, now + MS);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(r.learned, LEARNED_NOTHING);

    /* Or it was a small one: what passes in the slow start tells. */
    burst(&r, 40);
    while (r.until_ns < LAB_T0 + 60 * S)
        (void)refuse_probe(&r, 1000 + (uint64_t)(r.until_ns / S));
    now = r.until_ns;
    pass(&r, now);
    for (i = 0; i < 3; i++)
        go(&r, (UINT64_C(1) << 40) + i, now);
    CU_ASSERT_TRUE(answer(&r, now, UINT64_C(1) << 40, now + MS));
    (void)answer(&r, now, (UINT64_C(1) << 40) + 1, now + MS);
    CU_ASSERT_TRUE(refuse(&r, now, (UINT64_C(1) << 40) + 2, -1, now + 2 * MS));
    while (r.until_ns < now + 60 * S)
        (void)refuse_probe(&r,
                           (UINT64_C(1) << 41) + (uint64_t)(r.until_ns / S));
    now = r.until_ns;
    pass(&r, now);
    go(&r, UINT64_C(1) << 42, now);
    CU_ASSERT_TRUE(answer(&r, now, UINT64_C(1) << 42, now + MS));
    CU_ASSERT_EQUAL(r.learned, LEARNED_WINDOW);
    CU_ASSERT_EQUAL(r.window.allowance, 2);
}

static void sends_older_than_the_hold_neither_lengthen_nor_escalate_it(void)
{
    struct retreat r = {0};
    int64_t until;
    uint32_t i;

    send_n(&r, 40, LAB_T0);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 40, -1, LAB_T0 + S));
    until = r.until_ns;
    for (i = 0; i < 19; i++)
        CU_ASSERT_FALSE(refuse(&r, LAB_T0, 11 + i, 60 * S, LAB_T0 + S));
    CU_ASSERT_EQUAL(r.until_ns, until);
    CU_ASSERT_EQUAL(r.find.tries, 0);
    CU_ASSERT_EQUAL(r.find.suspect, 20); /* but they are counted */
    pass(&r, until);
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 30, -1, until + S));
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
    CU_ASSERT_FALSE(answer(&r, LAB_T0, 31, until + S));
    CU_ASSERT_EQUAL(r.state, RETREAT_PROBING);
    CU_ASSERT_TRUE(answer(&r, until, 200, until + S));
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 32, -1, until + 2 * S));
    CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
}

/* A refusal comes at once, or not: who answers slowly holds nobody up. */
static void silence_is_an_answer(void)
{
    struct retreat r = {0};

    send_n(&r, 5, LAB_T0);
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, -1, LAB_T0 + 50 * MS));
    CU_ASSERT_EQUAL(retreat_silent_at(&r, LAB_T0), LAB_T0 + 2 * S);
    memset(&r, 0, sizeof(r)); /* one whose refusals are slow */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 5, -1, LAB_T0 + 3 * S));
    CU_ASSERT_EQUAL(retreat_silent_at(&r, LAB_T0), LAB_T0 + 6 * S);
}

/* ---- a window ------------------------------------------------------------------ */

static void recovery_starts_with_what_passed_and_grows_by_steps(void)
{
    static const uint32_t expected[] = {21, 23, 27, 35, 40};
    struct retreat r;
    int64_t now = recovering(&r);
    uint32_t i;

    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 20);
    CU_ASSERT_EQUAL(r.learned, LEARNED_WINDOW);
    now += 60 * S / 8; /* the first growth is a test of the window */
    for (i = 0; i < ARRAY_LEN(expected); i++) {
        pass(&r, now - 1);
        pass(&r, now);
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), expected[i]);
        now += 60500 * MS;
    }
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(r.learned, LEARNED_NOTHING);
}

static void an_idle_recovery_is_over_after_a_while(void)
{
    struct retreat r;
    int64_t now = recovering(&r);

    pass(&r, now + 3600 * S);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
}

/* One more than is known to pass: nobody is held, and growth waits longer. */
static void a_refusal_at_the_limit_holds_nobody_and_grows_later(void)
{
    static const uint32_t calm[] = {3, 7, 15, 15};
    struct retreat r;
    int64_t now = recovering(&r) + 60 * S / 8;
    uint64_t grant = UINT64_C(1) << 41;
    uint32_t i;

    send_n(&r, 19, now);
    for (i = 0; i < ARRAY_LEN(calm); i++) {
        pass(&r, now);
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), 21);
        go(&r, grant += 1000, now);
        CU_ASSERT_FALSE(refuse(&r, now, grant, -1, now + 50 * MS));
        CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), 20);
        CU_ASSERT_EQUAL(r.window.calm, calm[i]);
        now = r.until_ns + calm[i] * 60500 * MS;
        pass(&r, now - 1);
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), 20);
        send_n(&r, 20, now - S);
    }
}

/* Below what is known to pass it is something else: one tries soon. */
static void a_refusal_below_the_limit_is_looked_into(void)
{
    struct retreat r;
    int64_t now = recovering(&r) + S;

    go(&r, UINT64_C(1) << 41, now);
    CU_ASSERT_TRUE(refuse(&r, now, UINT64_C(1) << 41, -1, now + 50 * MS));
    CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
    CU_ASSERT_TRUE(r.until_ns < now + S);
}

/* 30 of 40 pass: once that may be another's work. */
static void more_than_a_half_is_believed_the_second_time(void)
{
    struct retreat r;
    int64_t now = LAB_T0;
    uint64_t grant = 1000;
    uint32_t round, i;

    memset(&r, 0, sizeof(r));
    for (round = 0; round < 2; round++) {
        CU_ASSERT_EQUAL(retreat_limit(&r, 40), 40);
        send_n(&r, 40, now);
        for (i = 0; i < 10; i++)
            (void)refuse(&r, now, grant - i, -1, now + 50 * MS);
        now += 60500 * MS;
        pass(&r, now);
        go(&r, grant += 1000, now);
        CU_ASSERT_TRUE(answer(&r, now, grant, now + MS));
        pass(&r, now + MS);
        now += 2 * MS;
        grant += 1000;
    }
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 31); /* the try before it, too */
}

/* It was learned too low: a window in which more passed tells how many do. */
static void a_size_that_is_refuted_is_learned_from_the_next_full_window(void)
{
    struct retreat r;
    int64_t now = recovering(&r) + 10 * S;
    uint64_t grant = UINT64_C(1) << 41;
    uint32_t i;

    CU_ASSERT_EQUAL(r.window.allowance, 20);
    send_n(&r, 19, now);
    pass(&r, now);
    go(&r, ++grant, now); /* the 21st */
    CU_ASSERT_TRUE(answer(&r, now, grant, now + MS));
    CU_ASSERT_EQUAL(r.find.opening, 1);
    send_n(&r, 3, now + MS);
    for (i = 0; i < 2; i++) /* the 23rd and 24th */
        (void)refuse(&r, now + MS, grant + i + 1, -1, now + 50 * MS);
    while (r.until_ns < r.find.reopens_ns)
        (void)refuse_probe(&r, grant += 1000);
    now = r.until_ns;
    pass(&r, now);
    go(&r, grant += 1000, now);
    CU_ASSERT_TRUE(answer(&r, now, grant, now + MS));
    CU_ASSERT_EQUAL(r.window.allowance, 22);
}

/* ---- luck ----------------------------------------------------------------------- */

/* A slow start behind a try that passed at once, at NOW; all of it passes. */
static int64_t open_slowly(struct retreat *r, uint64_t grant, int64_t now)
{
    uint32_t i;

    pass(r, now);
    go(r, grant, now);
    CU_ASSERT_TRUE(answer(r, now, grant, now + 50 * MS));
    CU_ASSERT_EQUAL(r->state, RETREAT_RECOVERING);
    for (i = 1; r->state == RETREAT_RECOVERING && i < 20; i++) {
        CU_ASSERT_TRUE(retreat_free_at(r) <= now);
        now += 10 * MS;
        go(r, grant + i, now);
        (void)answer(r, now, grant + i, now + 5 * MS);
    }
    return now;
}

static void what_passes_at_once_was_refused_by_chance(void)
{
    struct retreat r;
    int64_t now;

    memset(&r, 0, sizeof(r));
    send_n(&r, 10, LAB_T0);
    (void)refuse(&r, LAB_T0, 4, -1, LAB_T0 + 50 * MS);
    (void)refuse(&r, LAB_T0, 5, -1, LAB_T0 + 50 * MS);
    now = open_slowly(&r, 1000, r.until_ns);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 40);
    CU_ASSERT_EQUAL(r.learned, LEARNED_LUCK);
    CU_ASSERT_TRUE(now < LAB_T0 + S);
}

static void who_is_known_to_shed_holds_nobody_up(void)
{
    struct retreat r;
    int64_t now = LAB_T0;
    uint64_t grant = 1;
    uint32_t i;

    memset(&r, 0, sizeof(r));
    r.luck = (struct chance){90, 10};
    for (i = 0; i < 400; i++) {
        go(&r, ++grant, now += S);
        if (i % 10 == 5) {
            CU_ASSERT_FALSE(refuse(&r, now, grant, -1, now + 50 * MS));
        } else {
            (void)answer(&r, now, grant, now + 300 * MS);
        }
        CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    }
    for (i = 0; i < 4 && r.state == RETREAT_NORMAL; i++) {
        go(&r, ++grant, now += S); /* these are too many in a row */
        (void)refuse(&r, now, grant, -1, now + 50 * MS);
    }
    CU_ASSERT_EQUAL(r.state, RETREAT_HOLDING);
}

static void a_slow_start_that_nobody_uses_ends(void)
{
    struct retreat r;
    int64_t now;

    burst(&r, 1);
    now = r.until_ns;
    pass(&r, now);
    go(&r, 1000, now);
    CU_ASSERT_TRUE(answer(&r, now, 1000, now + MS));
    CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
    pass(&r, now + MS + S - 1);
    CU_ASSERT_EQUAL(r.state, RETREAT_RECOVERING);
    pass(&r, now + MS + S);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
}

/* An answer may be long in coming: after a second it counts as one. */
static void a_slow_start_does_not_wait_for_long_answers(void)
{
    struct retreat r;
    int64_t now;
    uint64_t grant = 1000;
    uint32_t went = 0;

    burst(&r, 1);
    now = r.until_ns;
    pass(&r, now);
    go(&r, grant, now);
    (void)answer(&r, now, grant, now + MS);
    for (now += MS; r.state == RETREAT_RECOVERING && went < 100;
         now += 100 * MS) {
        pass(&r, now);
        for (; r.state == RETREAT_RECOVERING && retreat_free_at(&r) <= now;
             went++)
            go(&r, ++grant, now);
    }
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_TRUE(now < LAB_T0 + 12 * S);
}

/* ---- a rate ----------------------------------------------------------------------- */

/* A bucket of one token each 6 s, always asked: how many pass in 20 minutes, and
 * how many are refused? */
static void a_rate_is_found_and_kept(void)
{
    struct retreat r;
    int64_t now, full = LAB_T0;
    uint64_t grant = 0;
    uint32_t passed = 0, refused = 0, early = 0;

    memset(&r, 0, sizeof(r));
    for (now = LAB_T0; now < LAB_T0 + 1200 * S; now += 10 * MS) {
        pass(&r, now);
        if (r.state == RETREAT_HOLDING || retreat_free_at(&r) > now)
            continue;
        if (r.state == RETREAT_NORMAL && r.window.hits >= 40 &&
            now - r.window.opened_ns < 60500 * MS)
            continue;
        go(&r, ++grant, now);
        if (now >= full) {
            full = now + 6 * S;
            passed++;
            (void)answer(&r, now, grant, now);
        } else {
            refused++;
            early += now < LAB_T0 + 60 * S;
            (void)refuse(&r, now, grant, -1, now);
        }
    }
    CU_ASSERT_EQUAL(r.learned, LEARNED_RATE);
    CU_ASSERT_EQUAL(r.pace.odds, 4); /* nothing is clearer */
    CU_ASSERT_TRUE(passed >= 160);
    CU_ASSERT_TRUE(refused <= 60);
    CU_ASSERT_TRUE(early <= 12);
}

/* For MINUTES one goes each GAP_MS, or later where it is held back, and is refused
 * if IS_REFUSED says so. */
static int64_t ask_evenly(struct retreat *r, int64_t minutes, int64_t gap_ms,
                          bool (*is_refused)(int64_t now))
{
    int64_t now = LAB_T0, next = LAB_T0, found = NEVER;
    uint64_t grant = 0;

    for (; now < LAB_T0 + minutes * 60 * S; now += 10 * MS) {
        pass(r, now);
        if (found == NEVER && r->learned == LEARNED_RATE)
            found = now;
        if (now < next || r->state == RETREAT_HOLDING ||
            retreat_free_at(r) > now)
            continue;
        next += gap_ms * MS;
        go(r, ++grant, now);
        if (is_refused(now))
            (void)refuse(r, now, grant, -1, now);
        else
            (void)answer(r, now, grant, now);
    }
    return found;
}

static int64_t full_at;

/* One token each 2 s, room for one. */
static bool is_empty(int64_t now)
{
    if (now < full_at)
        return true;
    full_at = max_i64(full_at + 2 * S, now + S);
    return false;
}

static bool is_unlucky(int64_t now)
{
    (void)now;
    return lab_random(4) == 0;
}

/* A bucket that is asked evenly refuses one of four, as luck might. */
static void a_rhythm_is_no_luck(void)
{
    struct retreat r;
    uint32_t i, found = 0;

    memset(&r, 0, sizeof(r));
    full_at = LAB_T0;
    CU_ASSERT_TRUE(ask_evenly(&r, 5, 1500, is_empty) < LAB_T0 + 240 * S);
    for (i = 0; i < 20; i++) {
        memset(&r, 0, sizeof(r));
        found += ask_evenly(&r, 10, 1500, is_unlucky) != NEVER;
    }
    CU_ASSERT_TRUE(found <= 4);
}

/* What went next after a refusal may end in a fault, which says nothing. */
static void a_rhythm_is_heard_through_faults(void)
{
    struct rhythm r = {0};
    uint64_t grant;

    for (grant = 1; grant < 2000 && !rhythm_is_even(&r); grant++) {
        rhythm_sent(&r, grant);
        if (grant % 4 == 0)
            rhythm_refused(&r, grant, grant, LAB_T0);
        else if (grant % 64 != 5)
            rhythm_passed(&r, grant);
    }
    CU_ASSERT_TRUE(rhythm_is_even(&r));
}

/* At a pace, each refusal by chance would make it slower, without end. */
static void luck_at_a_pace_is_found_out(void)
{
    struct retreat r;
    uint32_t i;
    int64_t now;

    for (i = 0; i < 20; i++) {
        uint64_t grant = 0;

        memset(&r, 0, sizeof(r));
        r.state = RETREAT_RECOVERING;
        r.learned = LEARNED_RATE;
        r.until_ns = LAB_T0 + 60500 * MS;
        pace_begin(&r.pace, 3 * S);
        for (now = LAB_T0; now < LAB_T0 + 600 * S && r.pace.gap_ns > 0;
             now += 10 * MS) {
            pass(&r, now);
            if (r.state != RETREAT_RECOVERING || retreat_free_at(&r) > now)
                continue;
            go(&r, ++grant, now);
            if (lab_random(5) == 0)
                (void)refuse(&r, now, grant, -1, now);
            else
                (void)answer(&r, now, grant, now);
        }
        CU_ASSERT_EQUAL(r.pace.gap_ns, 0);
    }
}

/* ---- the rest ----------------------------------------------------------------------- */

static void an_operator_ends_it_at_once(void)
{
    struct retreat r = {0};

    CU_ASSERT_TRUE(refuse(&r, LAB_T0, 1, -1, LAB_T0));
    retreat_end(&r, LAB_T0 + S);
    CU_ASSERT_EQUAL(r.state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(retreat_limit(&r, 40), 40);
    CU_ASSERT_FALSE(refuse(&r, LAB_T0, 1, -1, LAB_T0 + S)); /* old news */
    CU_ASSERT_TRUE(refuse(&r, LAB_T0 + S, 500, -1, LAB_T0 + S));
    CU_ASSERT_EQUAL(r.find.tries, 0);
}

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
            int64_t sent = now - lab_random(1000);
            struct retreat_refusal what = {sent,
                                           lab_random(100),
                                           grant - lab_random(3),
                                           grant,
                                           (int64_t)lab_random(3) * S - S,
                                           ""};
            uint32_t n = lab_random(50);

            now += lab_random(1u << lab_random(31));
            for (; n > 0; n--, grant++) {
                retreat_taken(&r, now);
                if (r.state == RETREAT_PROBING)
                    retreat_probe(&r, 0, 1, now);
                if (lab_random(9) == 0)
                    retreat_given_back(&r);
                else
                    retreat_sent(&r, &u, grant, now);
            }
            if (lab_random(3) == 0)
                (void)retreat_refused(&r, &u, &what, now);
            if (lab_random(9) == 0)
                retreat_note_refused(&r, &what, now);
            if (lab_random(3) == 0)
                (void)retreat_answered(&r, &u, grant, sent, now);
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
    {"one tries soon, then ever later, and when the window must have opened",
     one_tries_soon_then_ever_later_and_when_the_window_must_have_opened},
    {"a window opens at the first hit after the last expired",
     a_window_opens_at_the_first_hit_after_the_last_expired},
    {"Retry-After is obeyed, within bounds",
     retry_after_is_obeyed_within_bounds},
    {"tries are jittered, and can be played again",
     tries_are_jittered_and_can_be_played_again},
    {"what never passes is tried ever more rarely, up to the bound",
     what_never_passes_is_tried_ever_more_rarely_up_to_the_bound},
    {"refusals that come when one could try are counted",
     refusals_that_come_when_one_could_try_are_counted},
    {"a refusal later than the window is not counted",
     a_refusal_later_than_the_window_is_not_counted},
    {"a send that is told after refusals counts",
     a_send_that_is_told_after_refusals_counts},
    {"a window in which nothing passed tells of no size",
     a_window_in_which_nothing_passed_tells_of_no_size},
    {"sends older than the hold neither lengthen nor escalate it",
     sends_older_than_the_hold_neither_lengthen_nor_escalate_it},
    {"silence is an answer", silence_is_an_answer},
    {"recovery starts with what passed and grows by steps",
     recovery_starts_with_what_passed_and_grows_by_steps},
    {"an idle recovery is over after a while",
     an_idle_recovery_is_over_after_a_while},
    {"a refusal at the limit holds nobody, and growth comes later",
     a_refusal_at_the_limit_holds_nobody_and_grows_later},
    {"a refusal below the limit is looked into",
     a_refusal_below_the_limit_is_looked_into},
    {"more than a half is believed the second time",
     more_than_a_half_is_believed_the_second_time},
    {"a size that is refuted is learned from the next full window",
     a_size_that_is_refuted_is_learned_from_the_next_full_window},
    {"what passes at once was refused by chance",
     what_passes_at_once_was_refused_by_chance},
    {"who is known to shed holds nobody up",
     who_is_known_to_shed_holds_nobody_up},
    {"a slow start that nobody uses ends", a_slow_start_that_nobody_uses_ends},
    {"a slow start does not wait for long answers",
     a_slow_start_does_not_wait_for_long_answers},
    {"a rate is found and kept", a_rate_is_found_and_kept},
    {"a rhythm is no luck", a_rhythm_is_no_luck},
    {"a rhythm is heard through faults", a_rhythm_is_heard_through_faults},
    {"luck at a pace is found out", luck_at_a_pace_is_found_out},
    {"an operator ends it at once", an_operator_ends_it_at_once},
    {"no order of events leaves the bounds",
     no_order_of_events_leaves_the_bounds},
    {NULL, NULL},
};

CU_ErrorCode test_retreat_add(void)
{
    return unit_add("retreat", tests);
}
