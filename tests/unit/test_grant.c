/* test_grant.c - a slot between its grant and its first byte on the wire, and
 * between two attempts. */
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "state/operator.h"
#include "state/policy/layout.h"
#include "state/policy/row.h"
#include "state/view.h"
#include "state/worker.h"

/* ---- none ------------------------------------------------------------------ */

static void a_request_without_a_ticket_asks_for_nothing(void)
{
    struct desk *d = desk_of(1, 2);
    struct limiter_report rep = {
        .answer = ANSWER_RATE, .retry_after_ns = -1, .tokens_left = -1};
    struct ticket_news news = {.position = 7};

    limiter_sent(d->w[0], NULL);
    limiter_report(d->w[0], NULL, &rep);
    limiter_again(d->w[0], NULL, true);
    limiter_aside(d->w[0], NULL, true, 1);
    limiter_body_gone(d->w[0], NULL);
    limiter_lost(d->w[0], NULL);
    CU_ASSERT_FALSE(limiter_place(d->w[0], NULL, d->now, &news));
    CU_ASSERT_EQUAL(news.position, 7);
    limiter_done(d->w[0], NULL, false);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[0]));
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 0);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* ---- before the first byte ------------------------------------------------- */

static bool may(struct ask *a)
{
    return limiter_may_write(a->lim, a->ticket, a->desk->now);
}

/* Only worker I goes on, MS later; the others are as if stopped. */
static void pass_alone(struct desk *d, uint32_t i, int64_t ms)
{
    d->now += ms * NS_PER_MS;
    while (limiter_turn(d->w[i], d->now) <= d->now)
        continue;
}

static void what_is_granted_may_be_written_until_it_is(void)
{
    struct desk *d = desk_of(1, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 0, NULL);

    CU_ASSERT_FALSE(may(a));
    desk_turn(d);
    CU_ASSERT_TRUE(may(a));
    CU_ASSERT_FALSE(may(b)); /* it waits */
    CU_ASSERT_TRUE(a->news.valid_until_ns > d->now);
    CU_ASSERT_TRUE(a->news.valid_until_ns <= d->now + NS_PER_S);
    d->now += 600 * NS_PER_S; /* stopped, and nothing is lost */
    CU_ASSERT_TRUE(may(a));
    desk_sent(a);
    desk_turn(d);
    CU_ASSERT_FALSE(may(a));
    CU_ASSERT_TRUE(limiter_may_write(d->w[0], NULL, d->now));
    desk_free(d);
}

static void an_operator_who_stops_it_stops_it_before_its_first_byte(void)
{
    struct desk *d = desk_of(2, 2);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b;
    uint32_t n;

    req.request_id = "b";
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_TRUE(may(a) && may(b));
    CU_ASSERT_TRUE(limiter_pause(d->w[1], "op", d->now));
    CU_ASSERT_FALSE(may(a));
    CU_ASSERT_TRUE(limiter_pause(d->w[1], NULL, d->now));
    CU_ASSERT_TRUE(may(a));
    CU_ASSERT_TRUE(limiter_cancel(d->w[1], "b", d->now, &n));
    CU_ASSERT_FALSE(may(b));
    CU_ASSERT_TRUE(may(a));
    desk_free(d);
}

static void a_grant_of_a_lost_file_holds_for_a_second(void)
{
    struct desk *d = desk_of(1, 1);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    d->now += 999 * NS_PER_MS;
    CU_ASSERT_TRUE(may(a));
    d->now += 2 * NS_PER_MS;
    CU_ASSERT_FALSE(may(a));
    CU_ASSERT_FALSE(may(a));
    desk_free(d);
}

static void a_grant_of_a_file_that_was_replaced_holds_no_longer(void)
{
    struct desk *d = desk_of(1, 1);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_turn(d);
    CU_ASSERT_TRUE(may(a));
    desk_layout(d, 0)->live.retired = 1;
    CU_ASSERT_FALSE(may(a));
    desk_layout(d, 0)->live.retired = 0;
    CU_ASSERT_TRUE(may(a));
    CU_ASSERT_EQUAL(truncate(desk_file(d), 0), 0); /* a SIGBUS */
    CU_ASSERT_FALSE(may(a));
    desk_free(d);
}

/* It moves to the new file before anybody can be granted anything there. */
static void a_grant_that_moves_over_in_time_holds(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 1, NULL), *b;

    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    pass_alone(d, 0, 1100);
    b = desk_ask(d, 0, NULL);
    pass_alone(d, 1, 0);
    CU_ASSERT_TRUE(may(a));
    desk_pass(d, 70000); /* all was forgotten, but not this one */
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_TRUE(may(a));
    desk_free(d);
}

/* Its worker sleeps while the others lose the file, and fill a window. */
static void a_grant_that_comes_too_late_is_not_written(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 1, NULL), *b;

    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    pass_alone(d, 0, 1100);
    b = desk_ask(d, 0, NULL);
    pass_alone(d, 0, 61500);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_FALSE(may(a)); /* before its own turn, */
    pass_alone(d, 1, 0);
    CU_ASSERT_FALSE(may(a)); /* and after it */
    desk_again(a, true);
    desk_done(b, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].open, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 1);
    desk_pass(d, 60001);
    CU_ASSERT_EQUAL(a->grants, 2);
    CU_ASSERT_TRUE(may(a));
    desk_free(d);
}

/* It was written, then its worker slept: nobody may forget that. */
static void a_late_one_that_was_written_counts_from_now(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 1, NULL), *b;

    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    pass_alone(d, 0, 1100);
    pass_alone(d, 0, 61500);
    desk_sent(a);
    pass_alone(d, 1, 0);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 1);
    desk_free(d);
}

/* Others sent by the new file already; that its window is taken as full now,
 * for another reason, makes it no earlier. */
static void a_late_grant_stays_late_when_rules_change(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 1, NULL), *b;

    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    pass_alone(d, 0, 1100);
    b = desk_ask(d, 0, NULL);
    pass_alone(d, 0, 61500);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_done(b, false);
    d->set.rules[0].window_ns = 600 * NS_PER_S;
    limiter_adopt(d->w[0], &d->set, 1);
    pass_alone(d, 0, 1000);
    pass_alone(d, 1, 0);
    CU_ASSERT_FALSE(may(a));
    desk_free(d);
}

/* ---- between two attempts -------------------------------------------------- */

static struct desk *one_in_flight(void)
{
    struct desk *d = desk_new(10);

    d->set.rules[0].in_flight = 1;
    desk_open(d, 0);
    desk_open(d, 1);
    return d;
}

static void one_aside_leaves_its_slot_to_the_next_and_keeps_its_place(void)
{
    struct desk *d = one_in_flight();
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 0, NULL);
    struct ask *c = desk_ask(d, 0, NULL);

    desk_turn(d);
    limiter_aside(a->lim, a->ticket, true, NS_PER_S);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].in_flight, 1);
    desk_pass(d, 5000); /* its owner says when, not the clock */
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_again(a, true);
    desk_turn(d);
    desk_done(b, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    CU_ASSERT_EQUAL(c->grants, 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 1);
    desk_free(d);
}

static void one_aside_that_was_not_sent_leaves_the_window_its_place(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 1, NULL);

    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 0);
    limiter_aside(a->lim, a->ticket, true, NS_PER_S);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static void one_aside_that_was_sent_counts_as_sent_once(void)
{
    struct desk *d = one_in_flight();
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 1, NULL);

    desk_turn(d);
    limiter_aside(a->lim, a->ticket, false, NS_PER_S);
    desk_again(a, true); /* at once: what was said first counts */
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 1);
    CU_ASSERT_EQUAL(a->grants + b->grants, 2);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].in_flight, 1);
    desk_free(d);
}

static void one_aside_is_seen_to_wait_and_is_within_the_bounds(void)
{
    struct desk *d = desk_of(2, 1);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct limiter_view v;
    struct ask *a;

    req.body_bytes = 77;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    limiter_aside(a->lim, a->ticket, true, 8 * NS_PER_S);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.held_bytes, 77);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 1);
    d->now += 3 * NS_PER_S;
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[1], d->now, &v));
    CU_ASSERT_EQUAL(v.n_rows, 1);
    CU_ASSERT_TRUE(v.rows[0].waiting && v.rows[0].blocked);
    CU_ASSERT_EQUAL(v.rows[0].eta_ns, 5 * NS_PER_S);
    CU_ASSERT_EQUAL(v.scopes[0].in_flight, 0);
    view_free(&v);
    lab_recount(desk_layout(d, 0));
    desk_done(a, true);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void one_aside_is_cancelled_at_once(void)
{
    struct desk *d = desk_of(2, 1);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a;
    uint32_t n;

    req.request_id = "a";
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    limiter_aside(a->lim, a->ticket, false, NS_PER_S);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_cancel(d->w[1], "a", d->now, &n));
    CU_ASSERT_EQUAL(n, 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->news.event, TICKET_CANCELLED);
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 1);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void one_aside_survives_the_file_but_not_its_worker(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_turn(d);
    limiter_aside(a->lim, a->ticket, true, NS_PER_S);
    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1100);
    CU_ASSERT_EQUAL(desk_layout(d, 1)->live.waiting, 1);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_again(a, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    limiter_aside(a->lim, a->ticket, true, NS_PER_S);
    desk_turn(d);
    desk_kill(d, 0);
    desk_pass(d, 1100);
    CU_ASSERT_EQUAL(desk_stats(d, 1)->counters.sent, 0);
    lab_is_settled(desk_layout(d, 1));
    desk_free(d);
}

/* A new file knows for how long, too, and that it was granted before: its
 * deadline ended then. */
static void one_aside_is_the_same_in_a_new_file(void)
{
    struct desk *d = desk_of(1, 1);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct limiter_view v;
    struct ask *a;

    req.deadline_ns = d->now + 10 * NS_PER_S;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    limiter_aside(a->lim, a->ticket, true, 8 * NS_PER_S);
    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    desk_pass(d, 1100);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.n_rows, 1);
    CU_ASSERT_TRUE(row_aside_ns(&desk_layout(d, 0)->rows[0]) <= 8 * NS_PER_S);
    view_free(&v);
    desk_again(a, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->refusals, 0);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_free(d);
}

/* What its owner said last still counts. */
static void one_aside_was_not_sent_when_its_worker_ends(void)
{
    struct desk *d = desk_of(2, 1);
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 1, NULL);

    desk_turn(d);
    limiter_aside(a->lim, a->ticket, true, NS_PER_S);
    a->ticket = NULL;
    limiter_close(d->w[0]);
    d->w[0] = NULL;
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 1)->counters.sent, 0);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"a request without a ticket asks for nothing",
     a_request_without_a_ticket_asks_for_nothing},
    {"what is granted may be written until it is",
     what_is_granted_may_be_written_until_it_is},
    {"an operator who stops it stops it before its first byte",
     an_operator_who_stops_it_stops_it_before_its_first_byte},
    {"a grant of a lost file holds for a second",
     a_grant_of_a_lost_file_holds_for_a_second},
    {"a grant of a file that was replaced holds no longer",
     a_grant_of_a_file_that_was_replaced_holds_no_longer},
    {"a grant that moves over in time holds",
     a_grant_that_moves_over_in_time_holds},
    {"a grant that comes too late is not written",
     a_grant_that_comes_too_late_is_not_written},
    {"a late one that was written counts from now",
     a_late_one_that_was_written_counts_from_now},
    {"a late grant stays late when rules change",
     a_late_grant_stays_late_when_rules_change},
    {"one aside leaves its slot to the next, and keeps its place",
     one_aside_leaves_its_slot_to_the_next_and_keeps_its_place},
    {"one aside that was not sent leaves the window its place",
     one_aside_that_was_not_sent_leaves_the_window_its_place},
    {"one aside that was sent counts as sent, once",
     one_aside_that_was_sent_counts_as_sent_once},
    {"one aside is seen to wait, and is within the bounds",
     one_aside_is_seen_to_wait_and_is_within_the_bounds},
    {"one aside is cancelled at once", one_aside_is_cancelled_at_once},
    {"one aside survives the file, but not its worker",
     one_aside_survives_the_file_but_not_its_worker},
    {"one aside is the same in a new file",
     one_aside_is_the_same_in_a_new_file},
    {"one aside was not sent when its worker ends",
     one_aside_was_not_sent_when_its_worker_ends},
    {NULL, NULL},
};

CU_ErrorCode test_grant_add(void)
{
    return unit_add("grant", tests);
}
