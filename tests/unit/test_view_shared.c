/* A line that several upstreams share, as people see it.  Mirrors
 * state/view_queue.c and state/view_scopes.c. */
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "state/policy/layout.h"
#include "state/readiness.h"
#include "state/view.h"
#include "state/view_cause.h"

#define WINDOW_S 60

/* Upstreams up-a, up-b, ... with these limits, those of SHARED in one line. */
static struct desk *desk_with(const uint32_t *limits, uint32_t n,
                              uint32_t shared)
{
    struct desk *d = desk_new(1);
    uint32_t i;

    for (i = 0; i < n; i++) {
        d->set.rules[i] = lab_rules(limits[i], WINDOW_S, 0);
        snprintf(d->set.rules[i].name, sizeof(d->set.rules[i].name), "up-%c",
                 (char)('a' + i));
        if ((shared >> i & 1) != 0)
            d->set.rules[i].line = 1;
    }
    d->set.n_upstreams = n;
    desk_open(d, 0);
    return d;
}

static struct limiter_view view_of(const struct desk *d)
{
    struct limiter_view v;

    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    return v;
}

/* For "m" at those in MASK, which are alike; its number is its id. */
static struct ask *ask_at(struct desk *d, const char *client,
                          enum limiter_class cls, uint32_t mask)
{
    struct limiter_choice choices[LIMITER_CHOICES] = {{0, "m", 0, 0}};
    struct limiter_request req = lab_request(client, cls, 1);
    char id[LIMITER_ID_MAX];
    uint32_t i, n = 0;

    for (i = 0; i < d->set.n_upstreams; i++)
        if ((mask >> i & 1) != 0)
            choices[n++] = (struct limiter_choice){i, "m", 0, 0};
    snprintf(id, sizeof(id), "%u", d->n);
    req.request_id = id;
    req.upstream = choices[0].upstream;
    req.model = "m";
    req.choices = choices;
    req.n_choices = n;
    req.requests_per_min = client[0] == 'q' ? 2 : 0;
    return desk_ask(d, 0, &req);
}

/* What each that waits is shown, it is told.  How many they are. */
static uint32_t check_all(const struct desk *d)
{
    struct limiter_view v = view_of(d);
    uint32_t i, n = 0;

    for (i = 0; i < v.n_rows; i++) {
        const struct view_row *r = &v.rows[i];
        const struct ask *a = &d->asks[strtoul(r->request_id, NULL, 10)];
        struct ticket_news news;

        if (!r->waiting)
            continue;
        CU_ASSERT_TRUE_FATAL(limiter_place(d->w[0], a->ticket, d->now, &news));
        CU_ASSERT_EQUAL(r->position, news.position);
        CU_ASSERT_EQUAL(r->eta_ns, news.eta_ns);
        CU_ASSERT_EQUAL(r->position, n); /* in their order */
        n++;
    }
    view_free(&v);
    return n;
}

static void rows_show_what_their_tickets_are_told(void)
{
    static const uint32_t limits[] = {5, 3, 2};
    static const uint32_t masks[] = {7, 3, 6, 1, 2, 4};
    struct desk *d = desk_with(limits, 3, 7);
    uint32_t i;

    for (i = 0; i < 60; i++) {
        char client[2] = {"abq"[lab_random(3)], 0};

        (void)ask_at(d, client, (enum limiter_class)lab_random(3),
                     masks[lab_random(6)]);
    }
    desk_turn(d);
    CU_ASSERT_TRUE(check_all(d) >= 50);
    desk_finish(d);
    desk_pass(d, 200);
    CU_ASSERT_TRUE(check_all(d) >= 50);
    desk_pass(d, WINDOW_S * 1000);
    desk_finish(d);
    desk_pass(d, 200);
    i = check_all(d);
    CU_ASSERT_TRUE(i > 0 && i < 50);
    desk_free(d);
}

static void one_that_is_held_changes_what_is_shown(void)
{
    static const uint32_t limits[] = {2, 4};
    struct desk *d = desk_with(limits, 2, 3);
    struct ask *a = ask_at(d, "c", CLASS_NORMAL, 2);
    struct limiter_view v;
    uint32_t i;

    desk_turn(d);
    desk_report(a, ANSWER_AWAY, -1);
    desk_again(a, true);
    desk_turn(d);
    for (i = 0; i < 6; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(check_all(d), 5);
    v = view_of(d);
    CU_ASSERT_EQUAL(v.scopes[0].unpaid.ends_ns, -1);
    CU_ASSERT_EQUAL(v.scopes[1].unpaid.ends_ns, NS_PER_S);
    CU_ASSERT_EQUAL(v.scopes[1].unpaid.cause, EJECTED_AWAY);
    view_free(&v);
    desk_free(d);
}

static void where_a_request_may_go_is_shown(void)
{
    static const uint32_t limits[] = {1, 1, 1, 1};
    const struct limiter_choice two[] = {
        {2, "m", 0, 0}, {0, "m", 1, 0}, {2, "other", 2, 0}};
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct desk *d = desk_with(limits, 4, 7);
    struct limiter_view v;
    uint32_t i, alone = 0;

    for (i = 0; i < 3; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, 1u << i);
    (void)ask_at(d, "c", CLASS_NORMAL, 8);
    (void)ask_at(d, "c", CLASS_NORMAL, 8);
    req.upstream = 2;
    req.choices = two;
    req.n_choices = 3;
    (void)desk_ask(d, 0, &req);
    desk_turn(d);
    v = view_of(d);
    for (i = 0; i < v.n_rows; i++) {
        const struct view_row *r = &v.rows[i];

        if (!r->waiting) {
            CU_ASSERT_EQUAL(r->n_ways, 0);
        } else if (v.scopes[r->scope].upstream == 3) {
            CU_ASSERT_EQUAL(r->n_ways, 1);
            CU_ASSERT_EQUAL(r->ways[0], 3);
            alone++;
        } else {
            CU_ASSERT_EQUAL_FATAL(r->n_ways, 2); /* each once, by rank */
            CU_ASSERT_EQUAL(r->ways[0], 2);
            CU_ASSERT_EQUAL(r->ways[1], 0);
        }
    }
    CU_ASSERT_EQUAL(alone, 1);
    CU_ASSERT_EQUAL(v.scopes[0].line, 0);
    CU_ASSERT_EQUAL(v.scopes[2].line, 0);
    CU_ASSERT_EQUAL(v.scopes[3].line, NONE);
    view_free(&v);
    desk_free(d);
}

/* Of each of them the same: what a new one is told, and what readiness goes by. */
/* A full line is one cause, whichever of its windows opens first; what is only of
 * one upstream is told by its name. */
static void why_they_wait_is_of_the_line_or_of_one(void)
{
    static const uint32_t limits[] = {2, 3};
    struct view_group groups[VIEW_GROUPS];
    struct desk *d = desk_with(limits, 2, 3);
    struct limiter_view v;
    uint32_t i, n;

    for (i = 0; i < 9; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, 3);
    desk_turn(d);
    v = view_of(d);
    n = view_causes(&v, groups, VIEW_GROUPS);
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_EQUAL(groups[0].cause, WAITS_WINDOW);
    CU_ASSERT_EQUAL(groups[0].waiting, 4);
    CU_ASSERT_EQUAL(groups[0].upstream, 0); /* the line's own name */
    view_free(&v);
    for (i = 0; i < 8; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, 2); /* the second alone */
    for (i = 0; i < 5; i++)
        (void)ask_at(d, "q", CLASS_NORMAL, 3); /* whose limit is two */
    desk_turn(d);
    v = view_of(d);
    n = view_causes(&v, groups, VIEW_GROUPS);
    CU_ASSERT_TRUE_FATAL(n >= 2);
    CU_ASSERT_EQUAL(groups[0].cause, WAITS_WINDOW);
    CU_ASSERT_EQUAL(groups[0].upstream, 1);
    CU_ASSERT_EQUAL(groups[0].waiting, 8);
    for (i = 0; i < n && groups[i].cause != WAITS_CLIENT; i++)
        ;
    CU_ASSERT_TRUE_FATAL(i < n);
    CU_ASSERT_STRING_EQUAL(groups[i].client, "q");
    view_free(&v);
    desk_free(d);
}

static void a_new_one_goes_when_it_is_shown(void)
{
    static const uint32_t limits[] = {3, 2};
    static const struct limiter_probe_times times = {NS_PER_S, 2 * NS_PER_S};
    struct desk *d = desk_with(limits, 2, 3);
    struct limiter_ready ready;
    struct ticket_news news;
    struct limiter_view v;
    struct ask *a;
    uint32_t i;

    for (i = 0; i < 12; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, 3);
    desk_turn(d);
    v = view_of(d);
    CU_ASSERT_EQUAL(v.scopes[0].eta_ns, 2 * WINDOW_S * NS_PER_S);
    CU_ASSERT_EQUAL(v.scopes[1].eta_ns, v.scopes[0].eta_ns);
    CU_ASSERT_TRUE_FATAL(limiter_ready(d->w[0], &times, d->now, &ready));
    CU_ASSERT_EQUAL(ready.upstreams[0].eta_ns, v.scopes[0].eta_ns);
    CU_ASSERT_EQUAL(ready.upstreams[1].eta_ns, v.scopes[0].eta_ns);
    CU_ASSERT_EQUAL(check_all(d), 7); /* a look does not change what is told */
    a = ask_at(d, "c", CLASS_NORMAL, 3);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_place(d->w[0], a->ticket, d->now, &news));
    CU_ASSERT_EQUAL(news.eta_ns, v.scopes[0].eta_ns);
    view_free(&v);
    desk_free(d);
}

/* Readiness asks of a line what its tickets do, with the same memory; what was
 * known of those that wait must not be taken for fresh. */
static void readiness_leaves_places_as_they_are(void)
{
    static const uint32_t limits[] = {1, 1};
    static const struct limiter_probe_times times = {NS_PER_S, 2 * NS_PER_S};
    struct desk *d = desk_with(limits, 2, 3);
    struct limiter_ready ready;
    struct ticket_news news;
    struct ask *a;
    uint32_t i;

    for (i = 0; i < 3; i++)
        a = ask_at(d, "c", CLASS_NORMAL, 3);
    desk_turn(d);
    CU_ASSERT_TRUE(limiter_place(d->w[0], a->ticket, d->now, &news));
    for (i = 0; i < 3; i++) {
        d->now += NS_PER_S;
        CU_ASSERT_TRUE(limiter_ready(d->w[0], &times, d->now, &ready));
        CU_ASSERT_TRUE(limiter_place(d->w[0], a->ticket, d->now, &news));
        CU_ASSERT_EQUAL(news.eta_ns, WINDOW_S * NS_PER_S); /* open: as now */
    }
    desk_free(d);
}

static void sends_are_counted_where_they_went(void)
{
    static const uint32_t limits[] = {9, 9};
    struct desk *d = desk_with(limits, 2, 3);
    struct limiter_view v;
    uint32_t i;

    for (i = 0; i < 5; i++)
        (void)ask_at(d, "c", CLASS_NORMAL, i < 3 ? 1 : 2);
    desk_turn(d);
    desk_finish(d);
    desk_pass(d, 30000);
    (void)ask_at(d, "c", CLASS_NORMAL, 2);
    desk_turn(d);
    desk_finish(d);
    desk_turn(d);
    v = view_of(d);
    CU_ASSERT_EQUAL(v.scopes[0].went.all, 3);
    CU_ASSERT_EQUAL(v.scopes[0].went.minute, 3);
    CU_ASSERT_EQUAL(v.scopes[1].went.all, 3);
    CU_ASSERT_EQUAL(v.scopes[1].went.minute, 3);
    view_free(&v);
    desk_pass(d, 31000);
    v = view_of(d);
    CU_ASSERT_EQUAL(v.scopes[0].went.all, 3);
    CU_ASSERT_EQUAL(v.scopes[0].went.minute, 0);
    CU_ASSERT_EQUAL(v.scopes[1].went.minute, 1);
    view_free(&v);
    desk_free(d);
}

CU_ErrorCode test_view_shared_add(void)
{
    static const struct unit_test tests[] = {
        {"rows show what their tickets are told",
         rows_show_what_their_tickets_are_told},
        {"one that is held changes what is shown",
         one_that_is_held_changes_what_is_shown},
        {"where a request may go is shown", where_a_request_may_go_is_shown},
        {"why they wait is of the line, or of one",
         why_they_wait_is_of_the_line_or_of_one},
        {"a new one goes when it is shown", a_new_one_goes_when_it_is_shown},
        {"readiness leaves places as they are",
         readiness_leaves_places_as_they_are},
        {"sends are counted where they went",
         sends_are_counted_where_they_went},
        {NULL, NULL},
    };

    return unit_add("view_shared", tests);
}
