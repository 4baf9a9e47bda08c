/* Mirrors state/policy/model_state.c, ejection.c and concurrency.c, and who goes
 * to the head of a line in queue.c. */
#include "state/policy/model_state.h"

#include <string.h>

#include "desk.h"
#include "state/operator.h"
#include "state/policy/retry_priority.h"
#include "state/view.h"

/* ---- benches ------------------------------------------------------------------- */

/* One request of MODEL that is answered so and then is over. */
static void answer_one(struct desk *d, const char *model,
                       enum limiter_answer answer, enum ejection_cause cause,
                       int64_t retry_s)
{
    struct ask *a = desk_ask_model(d, 0, model);

    desk_turn(d);
    CU_ASSERT_EQUAL_FATAL(a->grants, 1);
    desk_sent(a);
    if (answer == ANSWER_OFF)
        desk_off(a, cause, retry_s);
    else
        desk_report(a, answer, retry_s);
    desk_done(a, false);
    desk_turn(d);
}

static void a_benched_model_is_refused_and_costs_nothing(void)
{
    struct desk *d = desk_of(2, 2);
    struct ask *line[2], *other, *late;

    answer_one(d, "m/on", ANSWER_FINE, EJECTED_NOT, -1);
    line[0] = desk_ask_model(d, 0, "m/off");
    desk_turn(d);
    line[1] = desk_ask_model(d, 1, "m/off");
    other = desk_ask_model(d, 1, "m/on");
    desk_turn(d);
    desk_sent(line[0]);
    desk_off(line[0], EJECTED_UNAVAILABLE, 10800);
    desk_done(line[0], false);
    desk_turn(d);
    CU_ASSERT_EQUAL(line[1]->why_refused, REFUSED_MODEL_OFF);
    CU_ASSERT_EQUAL(line[1]->news.cause, EJECTED_UNAVAILABLE);
    CU_ASSERT_EQUAL(line[1]->news.eta_ns, 10800 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(line[1]->news.reason, "what it said");
    late = desk_ask_model(d, 0, "m/off");
    desk_turn(d);
    CU_ASSERT_EQUAL(late->why_refused, REFUSED_MODEL_OFF);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.joined, 4);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.benches, 1);
    CU_ASSERT_EQUAL(other->refusals, 0);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(other->grants, 1);
    desk_done(other, true);
    desk_pass(d, 10800 * 1000);
    late = desk_ask_model(d, 0, "m/off");
    desk_turn(d);
    CU_ASSERT_EQUAL(late->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.limited, 0);
    desk_free(d);
}

/* Who comes first and who comes later are told the same; noise in the file is
 * one of the causes, too. */
static void a_bench_keeps_its_cause(void)
{
    struct ejection noise = {.cause = EJECTION_CAUSES};
    struct ejection_answer what = {1, 1, -1, EJECTED_NOT, "why"};
    enum ejection_cause c;

    for (c = EJECTED_NOT; c < EJECTION_CAUSES; c++) {
        struct ejection b = {0};

        what.cause = c;
        CU_ASSERT_TRUE(ejection_begin(&b, &what, LAB_T0));
        CU_ASSERT_EQUAL(ejection_cause(&b), c);
        CU_ASSERT_TRUE(ejection_is_on(
            &b, LAB_T0 + (ejection_waits(c) ? NS_PER_S : 60 * NS_PER_S) - 1));
        CU_ASSERT_TRUE(ejection_is_sane(&b, LAB_T0));
    }
    CU_ASSERT_EQUAL(ejection_cause(&noise), EJECTED_UNAVAILABLE);
}

static void one_that_comes_back_to_a_benched_model_is_refused(void)
{
    struct desk *d = desk_of(1, 9);
    struct ask *a = desk_ask_model(d, 0, "m"), *b = desk_ask_model(d, 0, "m");

    desk_turn(d);
    desk_sent(a);
    desk_sent(b);
    desk_off(a, EJECTED_UNAVAILABLE, 100);
    desk_done(a, false);
    desk_turn(d);
    desk_report(b, ANSWER_RATE, -1);
    desk_again(b, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->why_refused, REFUSED_MODEL_OFF);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 0);
    desk_free(d);
}

static int64_t bench_s(const struct desk *d)
{
    return (desk_layout(d, 0)->model_states[0].ejection.until_ns - d->now) /
           NS_PER_S;
}

static void benches_without_a_time_have_one_by_their_status(void)
{
    static const int64_t degraded[] = {60, 120, 240, 480, 900, 900};
    struct desk *d = desk_of(1, 100);
    uint32_t i;

    for (i = 0; i < ARRAY_LEN(degraded); i++) {
        answer_one(d, "m", ANSWER_OFF, EJECTED_DEGRADED, -1);
        CU_ASSERT_EQUAL(bench_s(d), degraded[i]);
        desk_pass(d, degraded[i] * 1000);
    }
    answer_one(d, "m", ANSWER_FINE, EJECTED_NOT, -1);
    answer_one(d, "m", ANSWER_OFF, EJECTED_DEGRADED, -1);
    CU_ASSERT_EQUAL(bench_s(d), 60);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[0], 0, "m"));
    answer_one(d, "m", ANSWER_OFF, EJECTED_GONE, -1);
    CU_ASSERT_EQUAL(bench_s(d), 86400);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[0], 0, "m"));
    answer_one(d, "m", ANSWER_OFF, EJECTED_UNKNOWN, -1);
    CU_ASSERT_EQUAL(bench_s(d), 60);
    CU_ASSERT_EQUAL(desk_ask_model(d, 0, "m")->refusals, 0);
    desk_turn(d);
    CU_ASSERT_EQUAL(d->asks[d->n - 1].news.cause, EJECTED_UNKNOWN);
    desk_free(d);
}

static void answers_older_than_a_bench_do_not_double_it(void)
{
    struct desk *d = desk_of(1, 9);
    struct ask *a[3];
    int i;

    for (i = 0; i < 3; i++)
        a[i] = desk_ask_model(d, 0, "m");
    desk_turn(d);
    for (i = 0; i < 3; i++) {
        desk_sent(a[i]);
        desk_off(a[i], EJECTED_DEGRADED, -1);
        desk_turn(d);
    }
    CU_ASSERT_EQUAL(bench_s(d), 60);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.benches, 1);
    desk_free(d);
}

static void a_full_table_keeps_the_models_that_are_benched(void)
{
    struct desk *d = desk_of(1, 10000);
    struct ask *a;
    char name[16];
    uint32_t i;

    answer_one(d, "m/off", ANSWER_OFF, EJECTED_GONE, -1);
    for (i = 0; i < 2 * LAY_MODELS; i++) {
        snprintf(name, sizeof(name), "m/%u", i);
        answer_one(d, name, ANSWER_FINE, EJECTED_NOT, -1);
    }
    a = desk_ask_model(d, 0, "m/off");
    desk_turn(d);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_MODEL_OFF);
    CU_ASSERT_EQUAL(a->news.cause, EJECTED_GONE);
    desk_free(d);
}

/* ---- nobody pays ----------------------------------------------------------------- */

static void an_unpaid_upstream_refuses_all_then_tries_once(void)
{
    struct desk *d = desk_of(2, 5);
    struct ask *waits, *try, *other;
    uint32_t i;

    for (i = 0; i < 5; i++)
        (void)desk_ask(d, 0, NULL);
    desk_turn(d);
    waits = desk_ask(d, 1, NULL);
    desk_turn(d);
    for (i = 0; i < 5; i++) {
        desk_sent(&d->asks[i]);
        desk_report(&d->asks[i], ANSWER_UNPAID, 1);
        desk_done(&d->asks[i], false);
    }
    desk_turn(d);
    CU_ASSERT_EQUAL(waits->why_refused, REFUSED_UPSTREAM_HELD);
    CU_ASSERT_EQUAL(waits->news.cause, EJECTED_UNPAID);
    CU_ASSERT_EQUAL(waits->news.eta_ns, 300 * NS_PER_S);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.holds[HOLD_UNPAID], 1);
    desk_pass(d, 299999);
    other = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(other->why_refused, REFUSED_UPSTREAM_HELD);
    desk_pass(d, 1);
    try = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(try->grants, 1);
    other = desk_ask(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(other->why_refused, REFUSED_UPSTREAM_HELD);
    desk_sent(try);
    desk_report(try, ANSWER_UNPAID, -1);
    desk_done(try, false);
    desk_turn(d);
    desk_pass(d, 599999);
    other = desk_ask(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(other->why_refused, REFUSED_UPSTREAM_HELD);
    desk_pass(d, 1);
    try = desk_ask(d, 1, NULL);
    desk_turn(d);
    desk_sent(try);
    desk_report(try, ANSWER_FINE, -1);
    desk_turn(d);
    other = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(other->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->debts[0].ejection.streak, 0);
    desk_free(d);
}

static void a_try_that_leaves_lets_the_next_one_try(void)
{
    struct desk *d = desk_of(1, 5);
    struct ask *try, *next;

    answer_one(d, "", ANSWER_UNPAID, EJECTED_NOT, -1);
    desk_pass(d, 300000);
    try = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_done(try, true);
    next = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(next->grants, 1);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[0], 0, ""));
    next = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(next->grants, 1);
    desk_free(d);
}

/* ---- ceilings ---------------------------------------------------------------------- */

static uint32_t in_flight(const struct desk *d, uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    for (; from < to; from++)
        n += d->asks[from].ticket != NULL && d->asks[from].grants > 0 &&
             !d->asks[from].waiting_again;
    return n;
}

static void a_busy_model_is_held_to_what_it_took(void)
{
    struct desk *d = desk_of(2, 100);
    struct ask *other;
    uint32_t i;

    for (i = 0; i < 20; i++)
        (void)desk_ask_model(d, i % 2, "m/busy");
    desk_turn(d);
    CU_ASSERT_EQUAL(in_flight(d, 0, 20), 20);
    for (i = 0; i < 20; i++)
        desk_sent(&d->asks[i]);
    for (i = 16; i < 20; i++) { /* it has 16 workers */
        desk_report(&d->asks[i], ANSWER_BUSY, -1);
        desk_again(&d->asks[i], false);
    }
    desk_turn(d);
    CU_ASSERT_TRUE(desk_layout(d, 0)->model_states[0].concurrency.limit <= 16);
    CU_ASSERT_TRUE(desk_layout(d, 0)->model_states[0].concurrency.limit >= 14);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.ceilings_cut, 1);
    CU_ASSERT_EQUAL(in_flight(d, 0, 20), 16);
    other =
        desk_ask_model(d, 0, "m/idle"); /* same client, behind the blocked */
    desk_turn(d);
    CU_ASSERT_EQUAL(other->grants, 1);
    for (i = 0; i < 16; i++) {
        desk_report(&d->asks[i], ANSWER_FINE, -1);
        desk_done(&d->asks[i], false);
    }
    desk_turn(d);
    CU_ASSERT_EQUAL(in_flight(d, 0, 20), 4);
    for (i = 16; i < 20; i++)
        CU_ASSERT_EQUAL(d->asks[i].refusals, 0);
    desk_free(d);
}

/* Nothing of it is in flight that could end and make room. */
static void a_lonely_busy_request_rests_before_it_goes_again(void)
{
    struct desk *d = desk_of(1, 100);
    struct ask *a = desk_ask_model(d, 0, "m");
    struct ticket_news news;
    uint32_t i;

    desk_turn(d);
    desk_sent(a);
    desk_report(a, ANSWER_BUSY, -1);
    desk_again(a, false);
    desk_turn(d);
    for (i = 1; i < 5; i++) {
        CU_ASSERT_EQUAL(a->grants, i + 1); /* the first time it costs nothing */
        desk_sent(a);
        desk_report(a, ANSWER_BUSY, -1);
        desk_again(a, false);
        desk_turn(d);
        CU_ASSERT_EQUAL(a->grants, i + 1);
        CU_ASSERT_TRUE(limiter_place(d->w[0], a->ticket, d->now, &news));
        CU_ASSERT_EQUAL(news.eta_ns, (250 << i) * NS_PER_MS);
        desk_pass(d, (250 << i) - 400);
        CU_ASSERT_EQUAL(limiter_turn(d->w[0], d->now),
                        d->now + 400 * NS_PER_MS);
        desk_pass(d, 399);
        CU_ASSERT_EQUAL(a->grants, i + 1);
        desk_pass(d, 1);
        CU_ASSERT_EQUAL(a->grants, i + 2);
    }
    CU_ASSERT_EQUAL(a->refusals, 0);
    desk_free(d);
}

static void blocked_ones_have_their_turns_as_far_as_their_model_comes_to_them(
    void)
{
    struct desk *d = desk_of(1, 10);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct limiter_view v;
    struct ask *a, *b;
    uint32_t i;

    for (i = 0; i < 10; i++)
        (void)desk_ask_model(d, 0, "m/busy");
    desk_turn(d);
    for (i = 0; i < 10; i++)
        desk_sent(&d->asks[i]);
    desk_report(&d->asks[0], ANSWER_BUSY, -1);
    desk_again(&d->asks[0], false);
    for (i = 0; i < 30; i++)
        (void)desk_ask_model(d, 0, "m/busy");
    desk_turn(d);
    req.model = "m/idle";
    req.deadline_ns = d->now + 60 * NS_PER_S;
    a = desk_ask(d, 0, &req);
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->news.position, 8); /* as many as it bears */
    CU_ASSERT_EQUAL(b->news.position, 9);
    CU_ASSERT_EQUAL(b->news.eta_ns, 60 * NS_PER_S);
    CU_ASSERT_TRUE(d->asks[20].news.eta_ns >= 60 * NS_PER_S);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_STRING_EQUAL(v.rows[8].model, "m/idle");
    CU_ASSERT_STRING_EQUAL(v.rows[9].model, "m/idle");
    CU_ASSERT_FALSE(v.rows[7].blocked);
    CU_ASSERT_TRUE(v.rows[10].blocked);
    CU_ASSERT_EQUAL(v.n_models, 2);
    CU_ASSERT_EQUAL(v.models[0].ceiling, 8);
    CU_ASSERT_EQUAL(v.models[0].in_flight, 9);
    CU_ASSERT_EQUAL(v.models[0].waiting, 31);
    view_free(&v);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(a->grants + b->grants, 2);
    CU_ASSERT_EQUAL(in_flight(d, 0, 40), 9);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].kept, 8);
    desk_free(d);
}

/* ---- to the head of a line ---------------------------------------------------------------------- */

static void a_senior_goes_first_in_its_own_line_only(void)
{
    struct desk *d = desk_of(1, 1);
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct ask *a[3], *b, *s1, *s2;
    struct ticket_news n;
    int i;

    (void)desk_ask(d, 0, NULL);
    desk_turn(d);
    for (i = 0; i < 3; i++)
        a[i] = desk_ask(d, 0, &req);
    req.client = "b";
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    req.client = "a";
    req.retry = true;
    req.fingerprint = 7;
    for (i = 0; i < 2; i++)
        retry_priority_note(desk_layout(d, 0), 7, d->now);
    s1 = desk_ask(d, 0, &req);
    s2 = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(s1->news.position, 0);
    CU_ASSERT_TRUE(limiter_place(d->w[0], b->ticket, d->now, &n));
    CU_ASSERT_EQUAL(n.position, 1); /* as before */
    CU_ASSERT_EQUAL(s2->news.position, 2);
    CU_ASSERT_TRUE(limiter_place(d->w[0], a[0]->ticket, d->now, &n));
    CU_ASSERT_EQUAL(n.position, 3);
    lab_recount(desk_layout(d, 0));
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a benched model is refused and costs nothing",
     a_benched_model_is_refused_and_costs_nothing},
    {"one that comes back to a benched model is refused",
     one_that_comes_back_to_a_benched_model_is_refused},
    {"benches without a time have one by their status",
     benches_without_a_time_have_one_by_their_status},
    {"answers older than a bench do not double it",
     answers_older_than_a_bench_do_not_double_it},
    {"a full table keeps the models that are benched",
     a_full_table_keeps_the_models_that_are_benched},
    {"an unpaid upstream refuses all then tries once",
     an_unpaid_upstream_refuses_all_then_tries_once},
    {"a try that leaves lets the next one try",
     a_try_that_leaves_lets_the_next_one_try},
    {"a busy model is held to what it took",
     a_busy_model_is_held_to_what_it_took},
    {"a bench keeps its cause", a_bench_keeps_its_cause},
    {"a lonely busy request rests before it goes again",
     a_lonely_busy_request_rests_before_it_goes_again},
    {"blocked ones have their turns, as far as their model comes to them",
     blocked_ones_have_their_turns_as_far_as_their_model_comes_to_them},
    {"who was refused goes first in its own line only",
     a_senior_goes_first_in_its_own_line_only},
    {NULL, NULL},
};

CU_ErrorCode test_model_state_add(void)
{
    return unit_add("model_state", tests);
}
