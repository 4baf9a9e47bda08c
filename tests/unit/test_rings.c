/* Mirrors state/stats/rings.c, quantiles.c and history.c. */
#include "state/stats/rings.h"

#include <string.h>

#include "desk.h"
#include "state/history.h"
#include "state/policy/row.h"
#include "state/stats.h"
#include "state/stats/quantiles.h"

#define T 1800000000 /* a whole hour */

static const struct lay_moment *at(const struct lay_history *h, uint32_t ring,
                                   int64_t t)
{
    return &h->moments[rings_place(&history_rings[ring], t)];
}

static int64_t now = LAB_T0; /* by a clock that does not jump */

static struct lay_history *empty(void)
{
    struct lay_history *h = calloc(1, sizeof(*h));

    CHECK(h != NULL);
    now = LAB_T0;
    return h;
}

static const struct rings_gauge gauge = {1, 2, 3, 4};

/* All sends that a ring knows of. */
static uint64_t sends(const struct lay_history *h, uint32_t ring)
{
    const struct history_ring *r = &history_rings[ring];
    uint64_t n = 0;
    uint32_t i;

    for (i = r->first; i < r->first + r->n; i++)
        if (h->moments[i].begin != 0) {
            CU_ASSERT_TRUE(rings_belongs(&h->moments[i], i));
            n += h->moments[i].sends;
        }
    return n;
}

static struct limiter_note a_note(void)
{
    struct limiter_note n;

    memset(&n, 0, sizeof(n));
    n.upstreamed = true;
    n.outcome = OUTCOME_TRUNCATED;
    n.queue_ns = 2 * NS_PER_S;
    n.first_byte_ns = 300 * NS_PER_MS;
    n.generation_ns = -1;
    n.speed_milli = 40000;
    n.tokens_in = 7;
    n.tokens_out = -1;
    return n;
}

/* ---- recording --------------------------------------------------------------- */

static void what_happens_is_in_all_three_rings(void)
{
    struct lay_history *h = empty();
    struct limiter_note n = a_note();
    uint32_t r;

    rings_turn(h, T + 3661, now);
    rings_sent(h, 1);
    rings_note(h, &n);
    for (r = 0; r < HISTORY_RINGS; r++) {
        const struct lay_moment *m = at(h, r, T + 3661);

        CU_ASSERT_EQUAL(m->begin, T + (r == 0 ? 3661 : r == 1 ? 3660 : 3600));
        CU_ASSERT_EQUAL(m->sends, 1);
        CU_ASSERT_EQUAL(m->requests, 1);
        CU_ASSERT_EQUAL(m->outcomes[OUTCOME_TRUNCATED], 1);
        CU_ASSERT_EQUAL(m->queue_us, 2000000);
        CU_ASSERT_EQUAL(m->queue_n, 1);
        CU_ASSERT_EQUAL(m->first_byte_us, 300000);
        CU_ASSERT_EQUAL(m->generation_n, 0);
        CU_ASSERT_EQUAL(m->tokens_in, 7);
        CU_ASSERT_EQUAL(m->tokens_out, 0);
    }
    CU_ASSERT_EQUAL(h->first_s, T + 3661);
    free(h);
}

/* Long enough for each second and each minute to be used again. */
static void sums_hold_when_the_rings_come_round(void)
{
    struct lay_history *h = empty();
    uint64_t late[2] = {0, 0}, all = 0;
    int64_t t = T, end = T + 3 * 86400;

    for (; t < end; t += 1 + lab_random(200)) {
        uint32_t k = lab_random(4);

        rings_turn(h, t, now);
        for (; k > 0; k--, all++) {
            rings_sent(h, 1);
            late[0] += t > end - 600;
            late[1] += t / 60 > end / 60 - 2880;
        }
    }
    rings_turn(h, end - 1, now);
    CU_ASSERT_EQUAL(sends(h, 2), all);
    CU_ASSERT_TRUE(sends(h, 1) >= late[1]);
    CU_ASSERT_TRUE(sends(h, 0) >= late[0]);
    CU_ASSERT_EQUAL(at(h, 0, end - 1)->begin, end - 1);
    free(h);
}

static void a_clock_that_goes_back_goes_on_with_what_is_there(void)
{
    struct lay_history *h = empty();
    uint64_t all = 0;
    int i;

    for (i = 0; i < 300; i++, all++) {
        rings_turn(h, T + i, now);
        rings_sent(h, 1);
    }
    for (i = 100; i < 200; i++, all++) {
        rings_turn(h, T + i, now);
        rings_sent(h, 1);
    }
    CU_ASSERT_EQUAL(sends(h, 0), all);
    CU_ASSERT_EQUAL(sends(h, 1), all);
    CU_ASSERT_EQUAL(sends(h, 2), all);
    CU_ASSERT_EQUAL(at(h, 0, T + 150)->sends, 2);
    CU_ASSERT_EQUAL(at(h, 0, T + 250)->sends, 1);
    free(h);
}

static void a_clock_that_leaps_harms_only_what_it_overwrites(void)
{
    static const int64_t times[] = {
        T, T + 40 * 86400 + 300, 1, T, 0, -5, T - 9, INT64_MAX, INT64_MIN, T};
    struct lay_history *h = empty();
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(times); i++) {
        rings_turn(h, times[i], now);
        rings_sent(h, 1);
        rings_gauge(h, &gauge);
    }
    CU_ASSERT_EQUAL(at(h, 0, T)->sends, 3);
    CU_ASSERT_EQUAL(at(h, 2, T)->sends, 3);
    CU_ASSERT_TRUE(sends(h, 2) >= 4);
    CU_ASSERT_EQUAL(h->first_s, T - 9); /* 1970 was no time */
    free(h);
}

/* What a machine without a clock of its own shows at first: 1970, or what its
 * system was built in. */
static void a_clock_that_is_wrong_at_the_start_costs_no_record(void)
{
    static const int64_t wrong[] = {1,
                                    5000,
                                    1000000000,
                                    T - INT64_C(9600) * 3600,
                                    T - INT64_C(2880) * 60,
                                    T - 600};
    uint32_t i, k;

    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        struct lay_history *h = empty();
        struct limiter_note n = a_note();
        struct lay_moment *before = malloc(sizeof(h->moments));

        CHECK(before != NULL);
        for (k = 0; k < HISTORY_HOURS; k++) { /* no place is free */
            rings_turn(h, T - (HISTORY_HOURS - INT64_C(1) - k) * 3600, now);
            rings_sent(h, 1);
        }
        for (k = 0; k < HISTORY_MINUTES; k++) {
            rings_turn(h, T - (HISTORY_MINUTES - INT64_C(1) - k) * 60, now);
            rings_sent(h, 1);
        }
        for (k = 0; k < HISTORY_SECONDS; k++)
            rings_turn(h, T - (HISTORY_SECONDS - INT64_C(1) - k), now);
        memcpy(before, h->moments, sizeof(h->moments));
        for (k = 0; k < 50; k++) { /* the time is fetched from the network */
            now += NS_PER_S;
            rings_turn(h, wrong[i] + k, now);
            rings_sent(h, 1);
            rings_note(h, &n);
            rings_gauge(h, &gauge);
        }
        for (k = 0; k < HISTORY_ALL; k++)
            CU_ASSERT_TRUE(h->moments[k].begin == before[k].begin &&
                           h->moments[k].sends >= before[k].sends);
        rings_turn(h, T + 1, now);
        rings_sent(h, 1);
        CU_ASSERT_EQUAL(at(h, 0, T + 1)->sends, 1);
        CU_ASSERT_EQUAL(h->ahead_s, 0);
        free(before);
        free(h);
    }
}

/* It was a year ahead, and is right now. */
static void a_record_of_a_clock_that_was_wrong_makes_room_in_time(void)
{
    struct lay_history *h = empty();
    const int64_t ahead = T + INT64_C(2880) * 60 * 180;
    uint32_t i;

    for (i = 0; i < 120; i++) {
        rings_turn(h, ahead + i, now);
        rings_sent(h, 1);
    }
    for (i = 0; i < 62; i++) {
        now += NS_PER_S;
        rings_turn(h, T + i, now);
        rings_sent(h, 1);
    }
    CU_ASSERT_EQUAL(at(h, 0, T + 61)->begin, T + 61); /* after a minute */
    CU_ASSERT_NOT_EQUAL(at(h, 1, T)->begin, T);
    now += 3600 * NS_PER_S;
    rings_turn(h, T + 62, now);
    rings_sent(h, 1);
    CU_ASSERT_EQUAL(at(h, 1, T + 62)->begin, T + 60); /* and an hour */
    CU_ASSERT_EQUAL(at(h, 1, T + 62)->sends, 1);
    free(h);
}

static void a_second_without_a_turn_is_kept_a_minute_is_not(void)
{
    struct lay_history *h = empty();

    rings_turn(h, T, now);
    rings_turn(h, T + 2, now);
    CU_ASSERT_EQUAL(at(h, 0, T + 1)->begin, T + 1);
    rings_turn(h, T + 62, now);
    CU_ASSERT_EQUAL(at(h, 0, T + 30)->begin, 0);
    free(h);
}

static void noise_in_it_hurts_no_one(void)
{
    struct lay_history *h = empty();
    unsigned char *bytes = (unsigned char *)h;
    struct limiter_note n = a_note();
    uint32_t round;
    size_t i;

    for (round = 0; round < 20; round++) {
        for (i = 0; i < offsetof(struct lay_history, moments) + 100000; i++)
            bytes[i] = (unsigned char)lab_random(256);
        rings_turn(h, T + round, now);
        rings_sent(h, 1);
        rings_rebuild(h, LAB_T0);
        CU_ASSERT_TRUE(h->filled_to <= HISTORY_ALL);
        rings_turn(h, T + round, now);
        rings_sent(h, 1);
        rings_note(h, &n);
        CU_ASSERT_EQUAL(at(h, 0, T + round)->begin, T + round);
    }
    free(h);
}

/* ---- quantiles ------------------------------------------------------------------ */

static void quantiles_lie_where_the_values_do(void)
{
    uint32_t counts[HISTORY_BUCKETS] = {0}, i;
    uint64_t wide[HISTORY_BUCKETS] = {0};

    CU_ASSERT_EQUAL(quantiles_quantile(BAND_QUEUE, wide, -1, 50), -1);
    for (i = 1; i <= 1000; i++)
        quantiles_add(BAND_QUEUE, counts, i * 10000); /* up to 10 s */
    for (i = 0; i < HISTORY_BUCKETS; i++)
        wide[i] = counts[i];
    CU_ASSERT_TRUE(quantiles_quantile(BAND_QUEUE, wide, 1000 * 5005000LL, 50) >
                   4500000);
    CU_ASSERT_TRUE(quantiles_quantile(BAND_QUEUE, wide, 1000 * 5005000LL, 50) <
                   5500000);
    CU_ASSERT_TRUE(quantiles_quantile(BAND_QUEUE, wide, 1000 * 5005000LL, 95) >
                   9000000);
    CU_ASSERT_TRUE(quantiles_quantile(BAND_QUEUE, wide, 1000 * 5005000LL, 95) <=
                   10000000);
    quantiles_add(BAND_SPEED, counts, INT64_MAX);
    CU_ASSERT_EQUAL(counts[HISTORY_BUCKETS - 1], 1);
}

static int64_t of_one_kind(enum band kind, int64_t value, uint32_t percent)
{
    uint32_t counts[HISTORY_BUCKETS] = {0}, i;
    uint64_t wide[HISTORY_BUCKETS];

    for (i = 0; i < 20; i++)
        quantiles_add(kind, counts, value);
    for (i = 0; i < HISTORY_BUCKETS; i++)
        wide[i] = counts[i];
    return quantiles_quantile(kind, wide, 20 * value, percent);
}

/* Twenty of a millisecond are not spread over the fifty of their bucket, nor are
 * twenty that waited for 59 s over half a minute. */
static void quantiles_are_near_the_mean(void)
{
    CU_ASSERT_EQUAL(of_one_kind(BAND_FIRST_BYTE, 1000, 50), 1000);
    CU_ASSERT_TRUE(of_one_kind(BAND_FIRST_BYTE, 1000, 95) <= 2000);
    CU_ASSERT_EQUAL(of_one_kind(BAND_QUEUE, 59000000, 50), 59000000);
    CU_ASSERT_TRUE(of_one_kind(BAND_QUEUE, 59000000, 95) <= 60000000);
    CU_ASSERT_TRUE(of_one_kind(BAND_QUEUE, 60500000, 95) <= 61000000);
    CU_ASSERT_EQUAL(of_one_kind(BAND_QUEUE, 0, 95), 0);
    CU_ASSERT_EQUAL(of_one_kind(BAND_QUEUE, 900000000, 50), 900000000);
}

/* ---- reading ---------------------------------------------------------------------- */

static struct limiter_past *past;

static const struct limiter_past *tell(struct desk *d, int64_t back_s,
                                       uint32_t points)
{
    int64_t now_s = desk_stats(d, 0)->history.now_s;
    struct past_range r = {now_s - back_s, now_s, now_s, points, 0};

    if (past == NULL)
        past = malloc(sizeof(*past));
    CU_ASSERT_TRUE_FATAL(limiter_history(d->w[0], &r, past));
    return past;
}

static uint64_t told_sends(const struct limiter_past *p)
{
    uint64_t n = 0;
    uint32_t i;

    for (i = 0; i < p->n; i++)
        n += p->steps[i].sends;
    return n;
}

static void a_range_has_as_many_sends_as_were_counted(void)
{
    static const int64_t back[] = {599, 600, 3600, 86400, 172000, 30000000};
    struct desk *d = desk_of(2, 100);
    const struct limiter_past *p;
    uint32_t i, k;

    for (i = 0; i < 60; i++) {
        struct ask *a = desk_ask(d, i % 2, NULL);

        desk_turn(d);
        desk_sent(a);
        desk_pass(d, 700);
        desk_done(a, false);
    }
    desk_pass(d, 1000);
    for (i = 0; i < ARRAY_LEN(back); i++)
        for (k = 1; k <= 1000; k = k * 3 + 1) {
            p = tell(d, back[i], k);
            CU_ASSERT_EQUAL(told_sends(p), 60);
            CU_ASSERT_TRUE(p->n <= k && p->n >= 1);
            CU_ASSERT_EQUAL(p->from_s % p->step_s, 0);
        }
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 60);
    CU_ASSERT_EQUAL(tell(d, 599, 600)->step_s, 1);
    CU_ASSERT_EQUAL(tell(d, 599, 300)->step_s, 2);
    CU_ASSERT_EQUAL(tell(d, 700, 1000)->step_s, 60);
    CU_ASSERT_EQUAL(tell(d, 200000, 1000)->step_s, 3600);
    CU_ASSERT_FALSE(tell(d, 599, 600)->steps[0].kept);
    desk_free(d);
}

static void gauges_tell_the_most_there_was(void)
{
    struct desk *d = desk_of(1, 2);
    const struct limiter_past *p;
    uint32_t i, most[3] = {0, 0, 0};

    for (i = 0; i < 5; i++)
        (void)desk_ask(d, 0, NULL);
    desk_turn(d);
    for (i = 0; i < 2; i++)
        desk_sent(&d->asks[i]);
    desk_pass(d, 1);
    for (i = 0; i < 2; i++)
        desk_done(&d->asks[i], false);
    desk_pass(d, 2000);
    p = tell(d, 10, 100);
    for (i = 0; i < p->n; i++) {
        if (p->steps[i].waiting > most[0])
            most[0] = p->steps[i].waiting;
        if (p->steps[i].in_flight > most[1])
            most[1] = p->steps[i].in_flight;
        if (p->steps[i].window_used > most[2])
            most[2] = p->steps[i].window_used;
    }
    CU_ASSERT_EQUAL(most[0], 3);
    CU_ASSERT_EQUAL(most[1], 2);
    CU_ASSERT_EQUAL(most[2], 2);
    CU_ASSERT_EQUAL(p->steps[p->n - 1].window_limit, 2);
    CU_ASSERT_EQUAL(p->steps[p->n - 1].in_flight, 0);
    desk_free(d);
}

static void a_range_of_nothing_is_empty(void)
{
    struct desk *d = desk_of(1, 2);
    int64_t now_s = desk_stats(d, 0)->history.now_s;
    struct past_range ahead = {now_s + 10, now_s + 20, now_s, 5, 0};
    struct past_range old = {0, 1, now_s, 5, 0};

    CU_ASSERT_FALSE(tell(d, 30, 10)->steps[0].kept);
    CU_ASSERT_TRUE(limiter_history(d->w[0], &ahead, past));
    CU_ASSERT_EQUAL(past->n, 0);
    CU_ASSERT_TRUE(limiter_history(d->w[0], &old, past));
    CU_ASSERT_EQUAL(past->n, 0);
    free(past);
    past = NULL;
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"what happens is in all three rings", what_happens_is_in_all_three_rings},
    {"sums hold when the rings come round",
     sums_hold_when_the_rings_come_round},
    {"a clock that goes back goes on with what is there",
     a_clock_that_goes_back_goes_on_with_what_is_there},
    {"a clock that leaps harms only what it overwrites",
     a_clock_that_leaps_harms_only_what_it_overwrites},
    {"a clock that is wrong at the start costs no record",
     a_clock_that_is_wrong_at_the_start_costs_no_record},
    {"a record of a clock that was wrong makes room in time",
     a_record_of_a_clock_that_was_wrong_makes_room_in_time},
    {"a second without a turn is kept, a minute is not",
     a_second_without_a_turn_is_kept_a_minute_is_not},
    {"noise in it hurts no one", noise_in_it_hurts_no_one},
    {"quantiles lie where the values do", quantiles_lie_where_the_values_do},
    {"quantiles are near the mean", quantiles_are_near_the_mean},
    {"a range has as many sends as were counted",
     a_range_has_as_many_sends_as_were_counted},
    {"gauges tell the most there was", gauges_tell_the_most_there_was},
    {"a range of nothing is empty", a_range_of_nothing_is_empty},
    {NULL, NULL},
};

CU_ErrorCode test_rings_add(void)
{
    return unit_add("history", tests);
}
