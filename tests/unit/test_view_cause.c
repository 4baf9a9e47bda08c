/* Mirrors state/policy/wait_cause.c and state/view_cause.c: what each that waits
 * waits for, as the limiter decides it. */
#include "state/view_cause.h"

#include <string.h>

#include "desk.h"
#include "state/operator.h"
#include "state/policy/layout.h"
#include "state/view.h"
#include "unit.h"

static struct limiter_view view;
static struct view_group groups[VIEW_GROUPS];
static uint32_t n_groups;

static void look(struct desk *d)
{
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &view));
    n_groups = view_causes(&view, groups, VIEW_GROUPS);
}

/* The N-th group is of N_WAITING for CAUSE. */
static void group_is(uint32_t n, enum wait_cause cause, uint32_t waiting)
{
    CU_ASSERT_TRUE_FATAL(n < n_groups);
    if (groups[n].cause != cause)
        printf("\n    it is %s\n", wait_cause_names[groups[n].cause]);
    CU_ASSERT_STRING_EQUAL(wait_cause_names[groups[n].cause],
                           wait_cause_names[cause]);
    CU_ASSERT_EQUAL(groups[n].waiting, waiting);
}

/* All that wait do so for CAUSE. */
static void all_wait_for(struct desk *d, enum wait_cause cause,
                         uint32_t waiting)
{
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1);
    group_is(0, cause, waiting);
    view_free(&view);
}

static void ask_many(struct desk *d, uint32_t n, const char *model)
{
    while (n-- > 0)
        (void)desk_ask_model(d, 0, model);
    desk_turn(d);
}

static void a_full_window(void)
{
    struct desk *d = desk_of(1, 4);

    ask_many(d, 7, "a/b");
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1);
    group_is(0, WAITS_WINDOW, 3);
    CU_ASSERT_EQUAL(groups[0].next_ns, 60 * NS_PER_S);
    CU_ASSERT_EQUAL(groups[0].last_ns, 60 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(view.scopes[0].rules.name, d->set.rules[0].name);
    CU_ASSERT_EQUAL(groups[0].upstream, view.scopes[0].upstream);
    CU_ASSERT_PTR_NULL(groups[0].model);
    view_free(&view);
    desk_free(d);
}

/* The issue: one model takes three at once, the window has room for thirty. */
static void a_model_with_three_workers_is_not_a_full_window(void)
{
    struct desk *d = desk_of(1, 30);
    uint32_t i;

    ask_many(d, 4, "slow/one");
    for (i = 0; i < 4; i++)
        desk_sent(&d->asks[i]);
    desk_turn(d);
    desk_report(&d->asks[3], ANSWER_BUSY, -1);
    desk_again(&d->asks[3], false);
    desk_turn(d);
    desk_pass(d, 2000);
    ask_many(d, 20, "slow/one");
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1);
    group_is(0, WAITS_MODEL, 21);
    CU_ASSERT_STRING_EQUAL(groups[0].model, "slow/one");
    CU_ASSERT_TRUE(groups[0].last_ns >= groups[0].next_ns);
    view_free(&view);
    ask_many(d, 40, "fast/one"); /* which the window alone holds up */
    look(d);
    CU_ASSERT_EQUAL(n_groups, 2);
    CU_ASSERT_EQUAL(groups[0].cause + groups[1].cause,
                    WAITS_WINDOW + WAITS_MODEL);
    view_free(&view);
    desk_free(d);
}

static void a_model_that_is_off_elsewhere_is_none_here(void)
{
    struct desk *d = desk_of(1, 4);

    ask_many(d, 6, "a/b");
    desk_sent(&d->asks[0]);
    desk_off(&d->asks[0], EJECTED_UNAVAILABLE, 10);
    desk_done(&d->asks[0], false);
    desk_turn(d);
    ask_many(d, 2, "c/d");
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1); /* of a/b nobody waits: they were refused */
    group_is(0, WAITS_WINDOW, 2);
    view_free(&view);
    desk_free(d);
}

static void a_hold_and_what_comes_after_it(void)
{
    struct desk *d = desk_of(1, 40);
    uint32_t i;

    ask_many(d, 1, "a/b");
    desk_sent(&d->asks[0]);
    desk_report(&d->asks[0], ANSWER_RATE, 30);
    desk_again(&d->asks[0], false);
    desk_turn(d);
    ask_many(d, 3, "a/b");
    all_wait_for(d, WAITS_HOLD, 4);
    desk_pass(d, 31000);
    look(d); /* one probes, the others wait for it */
    group_is(0, WAITS_HOLD, 3);
    view_free(&view);
    for (i = 0; i < d->n && d->asks[i].granted_ns < d->now; i++)
        ;
    CU_ASSERT_TRUE_FATAL(i < d->n);
    desk_sent(&d->asks[i]);
    desk_report(&d->asks[i], ANSWER_FINE, -1);
    desk_done(&d->asks[i], false);
    desk_turn(d);
    ask_many(d, 60, "a/b");
    look(d); /* fewer than forty go, and that is no full window */
    CU_ASSERT_EQUAL(view.scopes[0].retreat.state, RETREAT_RECOVERING);
    CU_ASSERT_TRUE(view.scopes[0].used < 40);
    CU_ASSERT_EQUAL(n_groups, 1);
    CU_ASSERT_EQUAL(groups[0].cause, WAITS_RECOVERING);
    view_free(&view);
    desk_free(d);
}

static void an_operators_pause(void)
{
    struct desk *d = desk_of(1, 2);

    ask_many(d, 5, "a/b");
    CU_ASSERT_TRUE(limiter_pause(d->w[0], "me", d->now));
    desk_turn(d);
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1);
    CU_ASSERT_EQUAL(groups[0].cause, WAITS_PAUSED);
    CU_ASSERT_EQUAL(groups[0].upstream, NONE);
    CU_ASSERT_EQUAL(groups[0].next_ns, -1); /* nobody can say */
    CU_ASSERT_EQUAL(groups[0].last_ns, -1);
    view_free(&view);
    desk_free(d);
}

static void at_most_so_many_at_once(void)
{
    struct desk *d = desk_new(40);

    d->set.rules[0].in_flight = 2;
    desk_open(d, 0);
    ask_many(d, 5, "a/b");
    all_wait_for(d, WAITS_CONCURRENCY, 3);
    desk_free(d);
}

static void one_by_one(void)
{
    struct desk *d = desk_new(40);

    d->set.rules[0].min_gap_ns = 10 * NS_PER_S;
    desk_open(d, 0);
    ask_many(d, 3, "a/b");
    desk_sent(&d->asks[0]);
    desk_turn(d);
    all_wait_for(d, WAITS_GAP, 2);
    desk_free(d);
}

static void ask_of(struct desk *d, const char *client, uint32_t per_min)
{
    struct limiter_request req = {.client = client,
                                  .model = "a/b",
                                  .request_id = "r",
                                  .cls = CLASS_NORMAL,
                                  .weight = 1,
                                  .requests_per_min = per_min,
                                  .deadline_ns = NEVER};

    (void)desk_ask(d, 0, &req);
}

/* One client's limit is no other's. */
static void a_clients_own_limit(void)
{
    struct desk *d = desk_of(1, 10);
    uint32_t i;

    for (i = 0; i < 5; i++)
        ask_of(d, "small", 2);
    desk_turn(d);
    look(d);
    CU_ASSERT_EQUAL(n_groups, 1);
    group_is(0, WAITS_CLIENT, 3);
    CU_ASSERT_STRING_EQUAL(groups[0].client, "small");
    CU_ASSERT_EQUAL(groups[0].next_ns, 60 * NS_PER_S);
    view_free(&view);
    for (i = 0; i < 12; i++)
        ask_of(d, "large", 0);
    desk_turn(d);
    look(d);
    CU_ASSERT_EQUAL(n_groups, 2);
    group_is(0, WAITS_WINDOW, 4);
    group_is(1, WAITS_CLIENT, 3);
    view_free(&view);
    desk_free(d);
}

static void a_pause_between_two_tries(void)
{
    struct desk *d = desk_of(1, 10);

    ask_many(d, 1, "a/b");
    desk_sent(&d->asks[0]);
    limiter_aside(d->w[0], d->asks[0].ticket, false, 5 * NS_PER_S);
    desk_turn(d);
    all_wait_for(d, WAITS_RETRY, 1);
    desk_free(d);
}

static void a_limit_in_tokens(void)
{
    struct desk *d = desk_new(100);

    struct limiter_request req = {.client = "c",
                                  .model = "a/b",
                                  .request_id = "r",
                                  .cls = CLASS_NORMAL,
                                  .weight = 1,
                                  .prompt_bytes = 968,
                                  .max_tokens = 170,
                                  .deadline_ns = NEVER};
    uint32_t i;

    d->set.rules[0].tokens = 1400;
    desk_open(d, 0);
    for (i = 0; i < 5; i++)
        (void)desk_ask(d, 0, &req);
    desk_turn(d);
    all_wait_for(d, WAITS_TOKENS, 3);
    desk_free(d);
}

static void a_state_that_was_lost(void)
{
    struct desk *d = desk_of(1, 10);

    desk_layout(d, 0)->live.lost_ns[0] = d->now;
    ask_many(d, 2, "a/b");
    all_wait_for(d, WAITS_STATE, 2);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a full window", a_full_window},
    {"a model with three workers is not a full window",
     a_model_with_three_workers_is_not_a_full_window},
    {"who is refused waits for nothing",
     a_model_that_is_off_elsewhere_is_none_here},
    {"a hold, and what comes after it", a_hold_and_what_comes_after_it},
    {"an operator's pause", an_operators_pause},
    {"at most so many at once", at_most_so_many_at_once},
    {"one by one", one_by_one},
    {"a client's own limit", a_clients_own_limit},
    {"a pause between two tries", a_pause_between_two_tries},
    {"a limit in tokens", a_limit_in_tokens},
    {"a state that was lost", a_state_that_was_lost},
    {NULL, NULL},
};

CU_ErrorCode test_view_cause_add(void)
{
    return unit_add("view_cause", tests);
}
