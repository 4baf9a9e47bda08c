/* Mirrors state/turn.c, slots.c, ticket_ops.c and ticket_events.c: several workers on
 * one directory.  Lost files are in test_lost.c, long runs in test_share.c. */
#include "state/limiter.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "desk.h"
#include "state/policy/window.h"
#include "state/stats.h"
#include "state/view.h"
#include "state/worker.h"

static bool is_poked(const struct desk *d, uint32_t i)
{
    struct pollfd p = {limiter_fd(d->w[i]), POLLIN, 0};

    return poll(&p, 1, 0) == 1;
}

static struct desk *two_workers(uint32_t requests)
{
    struct desk *d = desk_new(requests);

    desk_open(d, 0);
    desk_open(d, 1);
    return d;
}

/* ---- one worker --------------------------------------------------------------- */

/* The first of all brings the rules, with its first turn: what it told before
 * would be an upstream less than there is, for a second. */
static void nothing_is_told_before_the_first_turn(void)
{
    static struct limiter_view v;
    static struct limiter_tally t;
    struct desk *d = desk_new(4);
    char err[256];

    CU_ASSERT_EQUAL_FATAL(limiter_open(&d->w[0], d->dir, NULL, &d->set, d->now,
                                       NULL, NULL, err, sizeof(err)),
                          0);
    CU_ASSERT_FALSE(limiter_tally(d->w[0], d->now, &t));
    CU_ASSERT_FALSE(limiter_view(d->w[0], d->now, &v));
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_tally(d->w[0], d->now, &t));
    CU_ASSERT_EQUAL(t.n_upstreams, 1);
    CU_ASSERT_EQUAL(t.upstreams[0].window_limit, 4);
    CU_ASSERT_TRUE(limiter_view(d->w[0], d->now, &v));
    view_free(&v);
    desk_free(d);
}

static void a_free_slot_is_granted_in_the_same_turn(void)
{
    struct desk *d = desk_new(4);
    struct ask *a;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    CU_ASSERT_TRUE(limiter_has_wishes(d->w[0]));
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[0]));
    CU_ASSERT_EQUAL(a->told, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(a->news.limit, 4);
    CU_ASSERT_EQUAL(a->news.remaining, 3);
    desk_done(a, false);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 1);
    desk_free(d);
}

static void a_waiter_is_told_its_place_and_its_alarm_is_exact(void)
{
    struct desk *d = desk_new(2);
    struct ticket_news news;
    struct ask *a[4];
    int64_t due;
    int i;

    desk_open(d, 0);
    for (i = 0; i < 4; i++)
        a[i] = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a[3]->waits, 1);
    CU_ASSERT_EQUAL(a[3]->news.position, 1);
    CU_ASSERT_EQUAL(a[3]->news.waiting, 2);
    desk_sent(a[0]);
    desk_turn(d);
    desk_pass(d, 1000);
    desk_sent(a[1]);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_place(d->w[0], a[3]->ticket, d->now, &news));
    CU_ASSERT_EQUAL(news.eta_ns, 60 * NS_PER_S);
    d->now += 58500 * NS_PER_MS;
    due = limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(due, d->now + 500 * NS_PER_MS);
    desk_pass(d, 500);
    CU_ASSERT_EQUAL(a[2]->grants, 1);
    CU_ASSERT_EQUAL(a[3]->grants, 0);
    CU_ASSERT_FALSE(limiter_place(d->w[0], a[2]->ticket, d->now, &news));
    desk_free(d);
}

static void an_eta_past_the_deadline_is_refused_at_once(void)
{
    struct desk *d = desk_new(1);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a, *b, *c;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_sent(a);
    req.deadline_ns = d->now + 59 * NS_PER_S;
    b = desk_ask(d, 0, &req);
    req.deadline_ns = d->now + 60 * NS_PER_S;
    c = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->refusals, 1);
    CU_ASSERT_EQUAL(b->news.why, REFUSED_DEADLINE);
    CU_ASSERT_EQUAL(b->news.eta_ns, 60 * NS_PER_S);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.refused[REFUSED_DEADLINE], 1);
    CU_ASSERT_EQUAL(c->news.position, 0);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(c->grants, 1);
    desk_free(d);
}

static void a_full_queue_refuses_with_an_eta(void)
{
    struct desk *d = desk_new(1);
    struct ask *a[4];
    int i;

    d->set.bounds.waiting = 2;
    desk_open(d, 0);
    for (i = 0; i < 4; i++)
        a[i] = desk_ask(d, 0, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(a[0]->grants, 1);
    CU_ASSERT_EQUAL(a[3]->refusals, 1);
    CU_ASSERT_EQUAL(a[3]->news.why, REFUSED_QUEUE_FULL);
    CU_ASSERT_EQUAL(a[3]->news.waiting, 2);
    CU_ASSERT_EQUAL(a[3]->news.eta_ns, 180 * NS_PER_S);
    desk_free(d);
}

static void one_that_came_back_goes_first_and_its_send_counts(void)
{
    struct desk *d = desk_new(2);
    struct ask *a[4];
    int i;

    desk_open(d, 0);
    for (i = 0; i < 4; i++)
        a[i] = desk_ask(d, 0, NULL);
    desk_turn(d);
    limiter_again(d->w[0], a[0]->ticket, false);
    desk_sent(a[1]);
    desk_turn(d);
    CU_ASSERT_EQUAL(a[0]->waits, 1);
    CU_ASSERT_EQUAL(a[0]->news.position, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 2);
    limiter_again(d->w[0], a[1]->ticket, true); /* it was sent, so it counts */
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 2);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(a[0]->grants + a[1]->grants, 4);
    limiter_again(d->w[0], a[0]->ticket, true); /* unsent: uses no slot */
    desk_done(a[1], true);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 0);
    CU_ASSERT_EQUAL(a[0]->grants, 3); /* its slot was free again */
    CU_ASSERT_EQUAL(a[2]->grants, 1);
    desk_free(d);
}

/* The turn comes later than the write; white box, because the clock of the
 * tests is ahead of the machine's. */
static void a_send_is_logged_with_the_time_of_its_write(void)
{
    struct desk *d = desk_new(3);
    struct ask *a[3];
    int64_t t[3];
    int i;

    desk_open(d, 0);
    for (i = 0; i < 3; i++)
        a[i] = desk_ask(d, 0, NULL);
    desk_turn(d);
    for (i = 0; i < 3; i++)
        desk_sent(a[i]);
    a[0]->ticket->sent_ns = d->now - 1;               /* before its grant */
    a[1]->ticket->sent_ns = d->now + 5 * NS_PER_MS;   /* between the two */
    a[2]->ticket->sent_ns = d->now + 500 * NS_PER_MS; /* after the turn */
    d->now += 9 * NS_PER_MS;
    desk_turn(d);
    window_copy(desk_layout(d, 0), 0, 0, 3, t);
    CU_ASSERT_EQUAL(t[0], d->now - 9 * NS_PER_MS);
    CU_ASSERT_EQUAL(t[1], d->now - 4 * NS_PER_MS);
    CU_ASSERT_EQUAL(t[2], d->now);
    desk_free(d);
}

static void a_ticket_that_was_not_told_cannot_have_sent(void)
{
    struct desk *d = desk_new(2);
    struct ask *a;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    desk_sent(a); /* before it was granted: of no meaning */
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->told, 0);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 0);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

/* It leaves, not knowing that this very turn has a slot for it. */
static void one_that_leaves_as_it_is_granted_uses_no_slot(void)
{
    struct desk *d = desk_new(1);
    struct ask *a, *b, *c;

    desk_open(d, 0);
    a = desk_ask(d, 0, NULL);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_done(a, true);
    c = desk_ask(d, 0, NULL);
    desk_done(b, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_EQUAL(c->grants, 1);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 0);
    desk_free(d);
}

static void bodies_are_counted_while_they_are_held(void)
{
    struct desk *d = desk_new(4);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a, *b;

    d->set.bounds.bytes = 1000;
    desk_open(d, 0);
    req.body_bytes = 700;
    a = desk_ask(d, 0, &req);
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->news.why, REFUSED_BYTES);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.held_bytes, 700);
    limiter_body_gone(d->w[0], a->ticket);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.held_bytes, 0);
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static void settings_that_change_hold_for_all(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b = desk_ask(d, 1, NULL);

    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(b->grants, 0);
    d->set.rules[0].requests = d->set.rules[0].burst = 2;
    limiter_set(d->w[0], &d->set);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

/* ---- several workers ------------------------------------------------------------ */

static void another_workers_turn_is_offered_and_it_is_poked(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b;

    desk_turn(d);
    b = desk_ask(d, 1, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_FALSE(is_poked(d, 1));
    desk_done(a, true); /* its slot is free */
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_TRUE(is_poked(d, 1));
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.offered, 1);
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_FALSE(is_poked(d, 1));
    desk_free(d);
}

static void the_next_in_line_is_woken_to_watch_the_clock(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b, *c;
    int64_t due0, due1;

    desk_turn(d);
    desk_sent(a);
    b = desk_ask(d, 0, NULL);
    c = desk_ask(d, 1, NULL);
    desk_turn(d);
    desk_done(b, true); /* now worker 1 leads */
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_TRUE(is_poked(d, 1));
    d->now += 59500 * NS_PER_MS;
    due0 = limiter_turn(d->w[0], d->now);
    due1 = limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(due1, d->now + 500 * NS_PER_MS);
    CU_ASSERT_TRUE(due0 > due1 && due0 <= due1 + 10 * NS_PER_MS);
    d->now = due0; /* worker 1 overslept: the other one offers */
    (void)limiter_turn(d->w[0], d->now);
    desk_turn(d);
    CU_ASSERT_EQUAL(c->grants, 1);
    desk_free(d);
}

static void an_offer_that_lapses_goes_to_the_next(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b, *c;

    desk_turn(d);
    b = desk_ask(d, 1, NULL); /* worker 1 is stopped after this */
    (void)limiter_turn(d->w[1], d->now);
    c = desk_ask(d, 0, NULL);
    desk_done(a, true);
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(c->grants, 0);
    d->now += 50 * NS_PER_MS;
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(c->grants, 1);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.revoked, 1);
    desk_done(c, true);
    (void)limiter_turn(d->w[0], d->now); /* no second offer to the stalled */
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.offered, 0);
    (void)limiter_turn(d->w[1], d->now); /* it goes on */
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.stalled, 0);
    desk_free(d);
}

static void a_late_worker_still_takes_what_it_was_offered(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b;

    desk_turn(d);
    b = desk_ask(d, 1, NULL);
    (void)limiter_turn(d->w[1], d->now);
    desk_done(a, true);
    (void)limiter_turn(d->w[0], d->now);
    d->now += 300 * NS_PER_MS; /* nobody looked meanwhile */
    (void)limiter_turn(d->w[1], d->now);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.revoked, 0);
    desk_free(d);
}

/* Waiting, offered, open and sent at its death. */
static void what_a_dead_worker_held_vanishes_but_not_its_sends(void)
{
    struct desk *d = two_workers(3);
    struct ask *a, *b;
    int i;

    for (i = 0; i < 5; i++)
        (void)desk_ask(d, 1, NULL);
    desk_turn(d);
    desk_sent(&d->asks[0]);
    desk_done(&d->asks[1], true);
    (void)limiter_turn(d->w[1], d->now);
    a = desk_ask(d, 0, NULL);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_kill(d, 1);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.swept, 1);
    CU_ASSERT_TRUE(desk_has_logged(d, "worker_swept"));
    CU_ASSERT_EQUAL(a->grants + b->grants, 0);
    /* Sent, and twice "may have been, until just now". */
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].window.n, 3);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].in_flight, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 2);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(a->grants + b->grants, 2);
    desk_free(d);
}

static void one_that_closes_leaves_nothing_but_its_sends(void)
{
    struct desk *d = two_workers(2);
    struct ask *a = desk_ask(d, 1, NULL), *b, *c;

    (void)desk_ask(d, 1, NULL);
    (void)desk_ask(d, 1, NULL);
    desk_turn(d);
    b = desk_ask(d, 0, NULL);
    c = desk_ask(d, 0, NULL);
    desk_turn(d);
    desk_done(a, true); /* asked last: nothing was sent */
    limiter_close(d->w[1]);
    d->w[1] = NULL;
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(c->grants, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 1);
    desk_free(d);
}

static void a_lock_that_is_held_refuses_new_ones_after_two_seconds(void)
{
    struct desk *d = two_workers(1);
    struct ask *a = desk_ask(d, 0, NULL), *b, *c;
    int fd;

    desk_turn(d);
    b = desk_ask(d, 0, NULL);
    desk_turn(d);
    fd = open(desk_file(d), O_RDWR | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX), 0);
    c = desk_ask(d, 0, NULL);
    desk_done(a, true);
    CU_ASSERT_TRUE(limiter_turn(d->w[0], d->now) > d->now);
    CU_ASSERT_FALSE(limiter_place(d->w[0], b->ticket, d->now, &b->news));
    d->now += 1999 * NS_PER_MS;
    CU_ASSERT_TRUE(limiter_turn(d->w[0], d->now) <= d->now + NS_PER_S);
    CU_ASSERT_EQUAL(c->refusals, 0);
    d->now += NS_PER_MS;
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(c->refusals, 1);
    CU_ASSERT_EQUAL(c->news.why, REFUSED_STATE);
    CU_ASSERT_EQUAL(b->refusals, 0); /* those that wait, wait on */
    close(fd);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_done(b, true);
    desk_turn(d);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void a_view_shows_the_order_in_which_they_go(void)
{
    struct desk *d = two_workers(3);
    struct limiter_request req = lab_request("a", CLASS_LOW, 1);
    struct limiter_view v;
    struct ticket_news news;
    char id[8];
    uint32_t i;

    req.request_id = id;
    for (i = 0; i < 60; i++) {
        snprintf(id, sizeof(id), "%u", i);
        req.cls = (enum limiter_class)(i * 7 % 3);
        req.client = i % 2 ? "a" : "b";
        (void)desk_ask(d, i % 2, &req);
    }
    desk_turn(d);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.n_rows, 60);
    CU_ASSERT_EQUAL(v.n_workers, 2);
    CU_ASSERT_EQUAL(v.scopes[0].used, 3);
    for (i = 0; i < 60; i++) {
        const struct ask *a = &d->asks[i];

        if (!limiter_place(a->lim, a->ticket, d->now, &news))
            continue; /* one of the three that were granted */
        snprintf(id, sizeof(id), "%u", i);
        CU_ASSERT_TRUE(v.rows[news.position].waiting);
        CU_ASSERT_STRING_EQUAL(v.rows[news.position].request_id, id);
        CU_ASSERT_EQUAL(v.rows[news.position].eta_ns, news.eta_ns);
    }
    view_free(&v);
    desk_free(d);
}

/* What is over may be told a little later; whoever waits must not wait for it. */
static void what_is_over_may_wait_while_nobody_does(void)
{
    struct desk *d = desk_of(1, 2);
    struct ask *a = desk_ask(d, 0, NULL), *b, *c;
    struct limiter *lim = d->w[0];

    CU_ASSERT_FALSE(limiter_may_wait(lim)); /* to come into line */
    desk_turn(d);
    desk_sent(a);
    desk_report(a, ANSWER_FINE, -1);
    desk_done(a, false);
    CU_ASSERT_TRUE(limiter_has_wishes(lim) && limiter_may_wait(lim));
    b = desk_ask(d, 0, NULL);
    CU_ASSERT_FALSE(limiter_may_wait(lim));
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.sent, 1);
    desk_sent(b);
    CU_ASSERT_TRUE(limiter_may_wait(lim));
    desk_report(b, ANSWER_RATE, 5);
    CU_ASSERT_FALSE(limiter_may_wait(lim)); /* others must not go */
    desk_turn(d);
    c = desk_ask(d, 0, NULL); /* it waits */
    desk_turn(d);
    desk_done(b, false);
    CU_ASSERT_FALSE(limiter_may_wait(lim));
    desk_turn(d);
    desk_done(c, true);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"nothing is told before the first turn",
     nothing_is_told_before_the_first_turn},
    {"a free slot is granted in the same turn",
     a_free_slot_is_granted_in_the_same_turn},
    {"what is over may wait while nobody does",
     what_is_over_may_wait_while_nobody_does},
    {"a waiter is told its place, and its alarm is exact",
     a_waiter_is_told_its_place_and_its_alarm_is_exact},
    {"an ETA past the deadline is refused at once",
     an_eta_past_the_deadline_is_refused_at_once},
    {"a full queue refuses with an ETA", a_full_queue_refuses_with_an_eta},
    {"one that came back goes first, and its send counts",
     one_that_came_back_goes_first_and_its_send_counts},
    {"a send is logged with the time of its write",
     a_send_is_logged_with_the_time_of_its_write},
    {"a ticket that was not told cannot have sent",
     a_ticket_that_was_not_told_cannot_have_sent},
    {"one that leaves as it is granted uses no slot",
     one_that_leaves_as_it_is_granted_uses_no_slot},
    {"bodies are counted while they are held",
     bodies_are_counted_while_they_are_held},
    {"settings that change hold for all", settings_that_change_hold_for_all},
    {"another worker's turn is offered, and it is poked",
     another_workers_turn_is_offered_and_it_is_poked},
    {"the next in line is woken to watch the clock",
     the_next_in_line_is_woken_to_watch_the_clock},
    {"an offer that lapses goes to the next",
     an_offer_that_lapses_goes_to_the_next},
    {"a late worker still takes what it was offered",
     a_late_worker_still_takes_what_it_was_offered},
    {"what a dead worker held vanishes, but not its sends",
     what_a_dead_worker_held_vanishes_but_not_its_sends},
    {"one that closes leaves nothing but its sends",
     one_that_closes_leaves_nothing_but_its_sends},
    {"a lock that is held refuses new ones after two seconds",
     a_lock_that_is_held_refuses_new_ones_after_two_seconds},
    {"a view shows the order in which they go",
     a_view_shows_the_order_in_which_they_go},
    {NULL, NULL},
};

CU_ErrorCode test_limiter_add(void)
{
    return unit_add("limiter", tests);
}
