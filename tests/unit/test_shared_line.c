/* Several upstreams, one line: who goes where, and when?  Mirrors
 * state/slots_shared.c, state/policy/wants.c, state/policy/line_eta.c. */
#include <string.h>

#include "desk.h"
#include "state/policy/layout.h"
#include "state/policy/wants.h"

#define WINDOW_S 60

/* Upstreams a, b, ... with these limits in a window of a minute, in one line. */
static void share(struct desk *d, const uint32_t *limits, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        d->set.rules[i] = lab_rules(limits[i], WINDOW_S, 0);
        snprintf(d->set.rules[i].name, sizeof(d->set.rules[i].name), "up-%c",
                 (char)('a' + i));
        d->set.rules[i].line = 1;
    }
    d->set.n_upstreams = n;
}

static struct desk *shared_desk(uint32_t workers, const uint32_t *limits,
                                uint32_t n)
{
    struct desk *d = desk_new(1);
    uint32_t i;

    share(d, limits, n);
    for (i = 0; i < workers; i++)
        desk_open(d, i);
    return d;
}

/* CLIENT asks for "m" at those of N upstreams that are in MASK, all alike. */
static struct ask *ask_at(struct desk *d, uint32_t worker, const char *client,
                          uint32_t mask)
{
    struct limiter_choice choices[LIMITER_CHOICES] = {{0}};
    struct limiter_request req = lab_request(client, CLASS_NORMAL, 1);
    uint32_t i, n = 0;

    for (i = 0; i < d->set.n_upstreams; i++)
        if ((mask >> i & 1) != 0)
            choices[n++] = (struct limiter_choice){i, "m", 0, 0};
    req.upstream = choices[0].upstream;
    req.model = "m";
    req.choices = choices;
    req.n_choices = n;
    return desk_ask(d, worker, &req);
}

/* Where A went: its place in the settings. */
static uint32_t went_to(const struct ask *a, uint32_t mask)
{
    uint32_t i, k = a->news.choice;

    for (i = 0; i < LIMITER_UPSTREAMS; i++)
        if ((mask >> i & 1) != 0 && k-- == 0)
            return i;
    return NONE;
}

static uint32_t granted(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants > 0;
    return n;
}

static void each_takes_what_is_open_anywhere(void)
{
    static const uint32_t limits[] = {3, 2};
    struct desk *d = shared_desk(1, limits, 2);
    uint32_t i, at_b = 0;

    for (i = 0; i < 6; i++)
        (void)ask_at(d, 0, "c", 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 5);
    for (i = 0; i < 5; i++)
        at_b += went_to(&d->asks[i], 3) == 1;
    CU_ASSERT_EQUAL(at_b, 2);
    CU_ASSERT_EQUAL(d->asks[5].news.position, 0);
    CU_ASSERT_EQUAL(d->asks[5].news.eta_ns, WINDOW_S * NS_PER_S);
    desk_finish(d);
    desk_pass(d, WINDOW_S * 1000 - 1);
    CU_ASSERT_EQUAL(granted(d), 5);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(granted(d), 6);
    desk_finish(d);
    desk_free(d);
}

static void equal_ones_are_used_by_their_share(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = desk_new(1);
    uint32_t i, at_b = 0;

    share(d, limits, 2);
    d->set.rules[1].share = 3;
    desk_open(d, 0);
    for (i = 0; i < 20; i++) {
        struct ask *a = ask_at(d, 0, "c", 3);

        desk_turn(d);
        at_b += went_to(a, 3) == 1;
        desk_sent(a);
        desk_done(a, false);
    }
    CU_ASSERT_EQUAL(at_b, 15);
    desk_free(d);
}

/* Those who can go to one alone do not stop those who can go elsewhere, and have
 * their turn there. */
static void nobody_waits_for_who_wants_another(void)
{
    static const uint32_t limits[] = {1, 3};
    struct desk *d = shared_desk(1, limits, 2);
    struct ask *first = ask_at(d, 0, "x", 1), *only_a, *any, *only_b;

    desk_turn(d);
    CU_ASSERT_EQUAL(first->grants, 1);
    desk_finish(d);
    only_a = ask_at(d, 0, "x", 1);
    any = ask_at(d, 0, "x", 3);
    only_b = ask_at(d, 0, "x", 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(only_a->grants, 0);
    CU_ASSERT_EQUAL(any->grants, 1);
    CU_ASSERT_EQUAL(went_to(any, 3), 1);
    CU_ASSERT_EQUAL(only_b->grants, 1);
    CU_ASSERT_EQUAL(only_a->news.eta_ns, WINDOW_S * NS_PER_S);
    desk_finish(d);
    desk_pass(d, WINDOW_S * 1000);
    CU_ASSERT_EQUAL(only_a->grants, 1);
    desk_finish(d);
    desk_free(d);
}

/* ---- one is preferred ------------------------------------------------------- */

static struct ask *ask_first(struct desk *d, int64_t patience_s)
{
    struct limiter_choice choices[] = {{1, "m", 0, patience_s * NS_PER_S},
                                       {0, "m", 1, 0}};
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);

    req.upstream = 1;
    req.choices = choices;
    req.n_choices = 2;
    return desk_ask(d, 0, &req);
}

static void a_better_one_is_waited_for_as_long_as_patience_goes(void)
{
    static const uint32_t limits[] = {9, 1};
    struct desk *d = shared_desk(1, limits, 2);
    struct ask *first = ask_first(d, 5), *soon, *second, *none;

    desk_turn(d);
    CU_ASSERT_EQUAL(first->news.choice, 0);
    desk_finish(d);
    none = ask_first(d, 5);
    desk_turn(d);
    CU_ASSERT_EQUAL(none->grants, 1); /* a minute is too long */
    CU_ASSERT_EQUAL(none->news.choice, 1);
    desk_finish(d);
    desk_pass(d, (WINDOW_S - 5) * 1000);
    soon = ask_first(d, 5);
    second = ask_first(d, 5);
    desk_turn(d);
    CU_ASSERT_EQUAL(soon->grants, 0);
    CU_ASSERT_EQUAL(soon->news.eta_ns, 5 * NS_PER_S);
    CU_ASSERT_EQUAL(second->grants, 1); /* it would be the one after it */
    CU_ASSERT_EQUAL(second->news.choice, 1);
    desk_finish(d);
    desk_pass(d, 5000);
    CU_ASSERT_EQUAL(soon->grants, 1);
    CU_ASSERT_EQUAL(soon->news.choice, 0);
    desk_finish(d);
    desk_free(d);
}

/* As desk_finish(), but for A, which waits again. */
static void finish_but(struct desk *d, const struct ask *a)
{
    uint32_t i;

    for (i = 0; i < d->n; i++)
        if (&d->asks[i] != a && d->asks[i].ticket != NULL &&
            d->asks[i].grants > 0) {
            desk_sent(&d->asks[i]);
            desk_done(&d->asks[i], false);
        }
}

static struct ask *ask_of_talk(struct desk *d, uint64_t key, int64_t patience_s)
{
    struct limiter_choice choices[] = {{0, "m", 0, 0}, {1, "m", 0, 0}};
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a;

    req.choices = choices;
    req.n_choices = 2;
    req.affinity = (struct limiter_affinity){key, patience_s * NS_PER_S};
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    return a;
}

/* It goes where it was written before, though the other has sent less; and waits
 * for that no longer than it has patience. */
static void a_conversation_goes_where_it_was(void)
{
    static const uint32_t limits[] = {3, 40};
    struct desk *d = shared_desk(1, limits, 2);
    uint32_t i;

    for (i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(ask_of_talk(d, 7, 2)->news.choice, 0);
        desk_finish(d);
    }
    CU_ASSERT_EQUAL(ask_of_talk(d, 8, 2)->news.choice, 1);
    CU_ASSERT_EQUAL(ask_of_talk(d, 7, 2)->news.choice,
                    1); /* a minute is long */
    desk_finish(d);
    CU_ASSERT_EQUAL(ask_of_talk(d, 0, 2)->news.choice, 1);
    desk_free(d);
}

/* ---- one becomes unusable --------------------------------------------------- */

static void what_is_away_is_left_alone_and_tried_again(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = shared_desk(1, limits, 2);
    uint32_t i, at_a = 0;
    struct ask *a;

    a = ask_at(d, 0, "c", 1);
    desk_turn(d);
    desk_report(a, ANSWER_AWAY, -1);
    desk_again(a, true);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(a->refusals, 0);
    CU_ASSERT_EQUAL(a->news.eta_ns, -1); /* nobody can say */
    for (i = 0; i < 10; i++)
        at_a += went_to(ask_at(d, 0, "c", 3), 3) == 0;
    desk_turn(d);
    at_a = 0;
    for (i = 1; i < d->n; i++)
        at_a += d->asks[i].grants > 0 && went_to(&d->asks[i], 3) == 0;
    CU_ASSERT_EQUAL(at_a, 0);
    CU_ASSERT_EQUAL(granted(d), 11);
    finish_but(d, a);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(a->grants, 2); /* the try: it alone */
    (void)ask_at(d, 0, "c", 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(d->asks[d->n - 1].grants, 0);
    desk_sent(a);
    desk_report(a, ANSWER_FAULT, -1); /* it is there */
    desk_turn(d);
    CU_ASSERT_EQUAL(d->asks[d->n - 1].grants, 1);
    desk_done(a, false);
    desk_finish(d);
    desk_free(d);
}

/* A, which was sent, gets an error that the same server would always give. */
static void tell_error(struct ask *a)
{
    const struct limiter_report rep = {.answer = ANSWER_FAULT,
                                       .retry_after_ns = -1,
                                       .shun = UINT32_C(1) << a->news.choice,
                                       .tokens_left = -1,
                                       .reason = "Bad Gateway"};

    desk_sent(a);
    limiter_report(a->lim, a->ticket, &rep);
    desk_turn(a->desk);
}

/* And goes again. */
static void fail(struct ask *a)
{
    tell_error(a);
    desk_again(a, false);
    desk_turn(a->desk);
}

/* One of N that are asked; it fails where it went first, and is answered at the
 * other.  Where that was. */
static uint32_t fail_once(struct desk *d)
{
    struct ask *a = ask_at(d, 0, "c", 3);
    uint32_t first;

    desk_turn(d);
    first = went_to(a, 3);
    if (first == 0) {
        fail(a);
        CU_ASSERT_EQUAL(a->grants, 2);
        CU_ASSERT_EQUAL(went_to(a, 3), 1);
    }
    desk_sent(a);
    desk_done(a, false);
    desk_turn(d);
    return first;
}

static void who_gets_an_error_goes_to_another_first(void)
{
    static const uint32_t limits[] = {40, 1};
    struct desk *d = desk_new(1);
    struct ask *a, *b, *c;

    share(d, limits, 2);
    d->set.rules[0].share = 1000; /* so that it is the first for all */
    d->set.rules[1].share = 1;
    desk_open(d, 0);
    a = ask_at(d, 0, "c", 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(went_to(a, 3), 0);
    fail(a);
    CU_ASSERT_EQUAL(a->grants, 2);
    CU_ASSERT_EQUAL(went_to(a, 3), 1);
    b = ask_at(d, 0, "c", 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(went_to(b, 3), 0);
    fail(
        b); /* the other one's window is full, for longer than it waits for it */
    CU_ASSERT_EQUAL(b->grants, 2);
    CU_ASSERT_EQUAL(went_to(b, 3), 0);
    desk_sent(a);
    desk_sent(b);
    desk_report(b, ANSWER_FINE, -1);
    desk_turn(d);
    desk_pass(d, 55000);
    c = ask_at(d, 0, "c", 3);
    desk_turn(d);
    fail(c);
    CU_ASSERT_EQUAL(c->grants, 1); /* now it waits */
    desk_pass(d, 5000);
    CU_ASSERT_EQUAL(c->grants, 2);
    CU_ASSERT_EQUAL(went_to(c, 3), 1);
    desk_finish(d);
    desk_free(d);
}

/* Its slot is that of the choice that it took, wherever that stands now. */
static void who_got_an_error_keeps_its_slot_till_it_goes_again(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = shared_desk(1, limits, 2);
    struct ask *a = ask_at(d, 0, "c", 3);
    struct layout *lay = desk_layout(d, 0);
    uint32_t row = 0;

    desk_turn(d);
    tell_error(a);
    while (lay->rows[row].state != ROW_SENT)
        row++;
    CU_ASSERT_EQUAL(wants_home(lay, row).upstream, went_to(a, 3));
    CU_ASSERT_EQUAL(wants_number(lay, row), a->news.choice);
    lab_recount(lay);
    desk_finish(d);
    desk_free(d);
}

static void who_says_nothing_but_errors_is_left_alone(void)
{
    static const uint32_t limits[] = {400, 400};
    struct desk *d = shared_desk(1, limits, 2);
    const struct ejection *e = &desk_layout(d, 0)->debts[0].ejection;
    struct ask *a = NULL;
    uint32_t i;

    for (i = 0; desk_layout(d, 0)->debts[0].faults < 3 && i < 20; i++)
        (void)fail_once(d);
    CU_ASSERT_EQUAL(ejection_cause(e), EJECTED_FAULTY);
    CU_ASSERT_STRING_EQUAL(e->reason, "Bad Gateway");
    for (i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(fail_once(d), 1);
    for (i = 1; i <= 2; i++) {
        desk_pass(d, i * 1000); /* one tries */
        a = ask_at(d, 0, "c", 3);
        desk_turn(d);
        CU_ASSERT_EQUAL(a->grants, 1);
        CU_ASSERT_EQUAL(went_to(a, 3), 0);
        CU_ASSERT_EQUAL(fail_once(d), 1);
        if (i == 1) {
            fail(a);
            CU_ASSERT_EQUAL(e->until_ns, d->now + 2 * NS_PER_S);
        }
    }
    desk_sent(a);
    desk_report(a, ANSWER_FINE, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(e->until_ns, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->debts[0].faults, 0);
    desk_finish(d);
    desk_free(d);
}

/* Its own fault, maybe: it says nothing of the upstream. */
static void errors_of_one_request_count_once(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = shared_desk(1, limits, 2);
    struct ask *a = ask_at(d, 0, "c", 3);
    uint32_t i;

    desk_turn(d);
    for (i = 0; i < 8; i++)
        fail(a);
    CU_ASSERT_EQUAL(a->grants, 9);
    for (i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(desk_layout(d, 0)->debts[i].faults, 1);
        CU_ASSERT_EQUAL(desk_layout(d, 0)->debts[i].ejection.until_ns, 0);
    }
    desk_finish(d);
    desk_free(d);
}

static void who_was_refused_at_one_goes_to_another(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = shared_desk(1, limits, 2);
    struct ask *a = ask_at(d, 0, "c", 3);
    uint32_t first;

    desk_turn(d);
    first = a->news.choice;
    desk_sent(a);
    desk_report(a, ANSWER_UNPAID, -1);
    desk_again(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    CU_ASSERT_NOT_EQUAL(a->news.choice, first);
    desk_sent(a);
    desk_report(a, ANSWER_UNPAID, -1);
    desk_again(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->refusals, 1); /* nobody is left */
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_UPSTREAM_HELD);
    desk_free(d);
}

/* While nobody knows the model the first eight go to each, and slots are kept for
 * the rest: those kept where nobody is do not hold anybody back. */
static void who_has_a_slot_kept_at_one_that_is_away_goes_elsewhere(void)
{
    static const uint32_t limits[] = {40, 40};
    struct desk *d = desk_new(1);
    uint32_t i, first;

    share(d, limits, 2);
    d->set.rules[0].learns = d->set.rules[1].learns = 1;
    desk_open(d, 0);
    for (i = 0; i < 30; i++)
        (void)ask_at(d, 0, "c", 3);
    desk_turn(d);
    first = granted(d);
    CU_ASSERT_EQUAL(first, 16);
    CU_ASSERT_TRUE(desk_layout(d, 0)->scopes[0].kept > 0);
    for (i = 0; i < 30; i++) {
        struct ask *a = &d->asks[i];

        if (a->grants == 0)
            continue;
        if (went_to(a, 3) == 0) {
            desk_report(a, ANSWER_AWAY, -1);
            desk_again(a, true);
        } else {
            desk_sent(a);
            desk_report(a, ANSWER_FINE, -1);
        }
    }
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].kept, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.waiting, 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[1].in_flight, 30);
    desk_finish(d);
    desk_free(d);
}

/* There are slots at both, but not so many tokens: it waits, and nobody goes instead
 * of it, until an answer tells that it took less. */
static void what_does_not_fit_by_its_tokens_waits_for_the_first_that_has_them(
    void)
{
    static const uint32_t limits[] = {40, 40};
    static const struct limiter_usage took = {0, 100};
    struct limiter_choice choices[] = {{0, "m", 0, 0}, {1, "m", 0, 0}};
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct desk *d = desk_new(1);
    struct ask *a[4];
    uint32_t i;

    share(d, limits, 2);
    d->set.rules[0].tokens = d->set.rules[1].tokens = 1000;
    desk_open(d, 0);
    req.choices = choices;
    req.n_choices = 2;
    for (i = 0; i < 4; i++) {
        req.max_tokens = i < 3 ? 600 : 300;
        a[i] = desk_ask(d, 0, &req);
    }
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 2);
    CU_ASSERT_NOT_EQUAL(a[0]->news.choice, a[1]->news.choice);
    for (i = 0; i < 2; i++)
        desk_sent(a[i]);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 2);
    limiter_settle(d->w[0], a[1]->ticket, &took);
    desk_done(a[1], false);
    desk_turn(d);
    CU_ASSERT_EQUAL(a[2]->grants, 1);
    CU_ASSERT_EQUAL(a[2]->news.choice, a[1]->news.choice);
    CU_ASSERT_EQUAL(a[3]->grants, 1);
    desk_finish(d);
    desk_free(d);
}

/* ---- long runs ---------------------------------------------------------------- */

#define SENT 6000

struct run {
    struct desk *d;
    uint32_t masks[DESK_ASKS];
    int64_t write_ms[DESK_ASKS], told_ms[DESK_ASKS];
    int64_t sent_ms[3][SENT];
    uint32_t n_sent[3];
    int64_t order; /* of the newest that went */
};

static void write_due(struct run *r, int64_t ms)
{
    uint32_t i, u;

    for (i = 0; i < r->d->n; i++) {
        struct ask *a = &r->d->asks[i];

        if (a->ticket == NULL || a->grants == 0)
            continue;
        if (r->write_ms[i] == 0)
            r->write_ms[i] = ms + lab_random(300);
        if (r->write_ms[i] > ms)
            continue;
        u = went_to(a, r->masks[i]);
        CU_ASSERT_FATAL(u < 3 && r->n_sent[u] < SENT);
        r->sent_ms[u][r->n_sent[u]++] = ms;
        desk_sent(a);
        desk_done(a, false);
    }
}

static void no_window_was_exceeded(const struct run *r, const uint32_t *limits)
{
    uint32_t u, i;

    for (u = 0; u < 3; u++)
        for (i = limits[u]; i < r->n_sent[u]; i++)
            CU_ASSERT_TRUE(r->sent_ms[u][i] - r->sent_ms[u][i - limits[u]] >=
                           WINDOW_S * 1000);
}

/* Three workers, masks of all kinds, more than can go: what can be sent is, in
 * the order of those who may go there, and no window is exceeded. */
static void saturated_windows_are_used_up_and_no_more(void)
{
    static const uint32_t limits[] = {40, 20, 7};
    struct desk *d = shared_desk(3, limits, 3);
    struct run *r = calloc(1, sizeof(*r));
    int64_t ms;
    uint32_t i;

    CHECK(r != NULL);
    r->d = d;
    for (i = 0; i < 900; i++) {
        static const uint32_t kinds[] = {7, 7, 7, 3, 6, 1, 2, 4};
        char client[2] = {(char)('a' + lab_random(5)), 0};

        r->masks[i] = kinds[lab_random(8)];
        (void)ask_at(d, lab_random(3), client, r->masks[i]);
    }
    for (ms = 0; ms < 8 * WINDOW_S * 1000; ms += 25) {
        d->now = LAB_T0 + ms * NS_PER_MS;
        desk_turn(d);
        write_due(r, ms);
    }
    no_window_was_exceeded(r, limits);
    for (i = 0; i < 3; i++) /* the last may write a little later */
        CU_ASSERT_TRUE(r->n_sent[i] >= limits[i] * 7);
    desk_free(d);
    free(r);
}

/* Nobody comes or goes: each goes when it was told that it would. */
static void each_goes_when_it_was_told(void)
{
    static const uint32_t limits[] = {7, 3, 2};
    struct desk *d = shared_desk(1, limits, 3);
    struct ticket_news news;
    int64_t when[200], ms;
    uint32_t i;

    for (i = 0; i < 200; i++) {
        static const uint32_t kinds[] = {7, 7, 3, 6, 1, 2};
        char client[2] = {(char)('a' + i % 4), 0};

        (void)ask_at(d, 0, client, kinds[lab_random(6)]);
    }
    desk_turn(d);
    for (i = 0; i < 200; i++) {
        when[i] = 0;
        if (d->asks[i].grants > 0)
            continue;
        CU_ASSERT_TRUE(
            limiter_place(d->w[0], d->asks[i].ticket, d->now, &news));
        when[i] = news.eta_ns;
    }
    for (ms = 0; ms < 40 * WINDOW_S * 1000 && granted(d) < 200; ms += 500) {
        uint32_t before[200];

        for (i = 0; i < 200; i++)
            before[i] = d->asks[i].grants;
        d->now = LAB_T0 + ms * NS_PER_MS;
        desk_turn(d);
        for (i = 0; i < 200; i++)
            if (d->asks[i].grants > before[i])
                CU_ASSERT_EQUAL(when[i], ms * NS_PER_MS);
        desk_finish(d);
    }
    CU_ASSERT_EQUAL(granted(d), 200);
    desk_free(d);
}

/* ---- other settings ----------------------------------------------------------- */

/* Two that had a line each have one in common, and then again their own: nobody
 * is lost, and who waits goes on waiting in the order of arrival. */
static void lines_come_together_and_part(void)
{
    static const uint32_t limits[] = {1, 1};
    struct desk *d = desk_new(1);
    struct ask *a[4];
    uint32_t i;

    share(d, limits, 2);
    d->set.rules[0].line = d->set.rules[1].line = 0;
    desk_open(d, 0);
    for (i = 0; i < 4; i++)
        a[i] = ask_at(d, 0, "c", 1 + i % 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(granted(d), 2);
    d->set.rules[0].line = d->set.rules[1].line = 1;
    limiter_set(d->w[0], &d->set);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].waiting, 2);
    lab_recount(desk_layout(d, 0));
    desk_finish(d);
    (void)ask_at(d, 0, "c", 3);
    d->set.rules[0].line = d->set.rules[1].line = 0;
    limiter_set(d->w[0], &d->set);
    desk_turn(d);
    lab_recount(desk_layout(d, 0));
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].waiting, 2);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[1].waiting, 1);
    desk_pass(d, WINDOW_S * 1000);
    CU_ASSERT_EQUAL(a[2]->grants, 1);
    CU_ASSERT_EQUAL(a[3]->grants, 1);
    desk_finish(d);
    desk_pass(d, WINDOW_S * 1000);
    CU_ASSERT_EQUAL(granted(d), 5);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"each takes what is open anywhere", each_takes_what_is_open_anywhere},
    {"equal ones are used by their share", equal_ones_are_used_by_their_share},
    {"nobody waits for who wants another", nobody_waits_for_who_wants_another},
    {"a better one is waited for as long as patience goes",
     a_better_one_is_waited_for_as_long_as_patience_goes},
    {"a conversation goes where it was", a_conversation_goes_where_it_was},
    {"what is away is left alone and tried again",
     what_is_away_is_left_alone_and_tried_again},
    {"who gets an error goes to another first",
     who_gets_an_error_goes_to_another_first},
    {"who got an error keeps its slot till it goes again",
     who_got_an_error_keeps_its_slot_till_it_goes_again},
    {"who says nothing but errors is left alone",
     who_says_nothing_but_errors_is_left_alone},
    {"errors of one request count once", errors_of_one_request_count_once},
    {"who was refused at one goes to another",
     who_was_refused_at_one_goes_to_another},
    {"who has a slot kept at one that is away goes elsewhere",
     who_has_a_slot_kept_at_one_that_is_away_goes_elsewhere},
    {"what does not fit by its tokens waits for the first that has them",
     what_does_not_fit_by_its_tokens_waits_for_the_first_that_has_them},
    {"saturated windows are used up and no more",
     saturated_windows_are_used_up_and_no_more},
    {"each goes when it was told", each_goes_when_it_was_told},
    {"lines come together and part", lines_come_together_and_part},
    {NULL, NULL},
};

CU_ErrorCode test_shared_line_add(void)
{
    return unit_add("shared line", tests);
}
