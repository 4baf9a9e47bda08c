/* Mirrors state/policy/tokens.c: limits in tokens, from the line to the answer that
 * tells, over workers, deaths and other rules. */
#include "state/policy/tokens.h"

#include <string.h>

#include "desk.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/policy/admit.h"
#include "state/policy/limits.h"
#include "state/policy/naming.h"
#include "state/policy/quota.h"
#include "state/policy/row.h"
#include "state/policy/window.h"
#include "state/standing.h"
#include "state/view.h"

#define LOTS  1000 /* requests of the window, where it does not matter */
#define LIMIT 10000

static bool may(struct layout *lay, uint32_t tokens, int64_t now, int64_t *when)
{
    admit_refresh(lay, 0, now);
    return admit_now(lay, 0, (struct take){1, tokens}, now, when);
}

static struct layout *lab_of(uint32_t tokens)
{
    struct layout *lay = lab_new();

    lay->rules[0] = lab_lay_rules(LOTS, 60, 0);
    lay->rules[0].tokens = tokens;
    return lay;
}

/* One that takes TOKENS was sent at NOW; its row. */
static uint32_t sent(struct layout *lay, uint32_t tokens, int64_t now)
{
    uint32_t row = lab_join_taking(lay, "c", (struct take){1, tokens}, now);

    lay->live.now_ns = max_i64(lay->live.now_ns, now);
    row_grant(lay, row, now);
    CU_ASSERT_TRUE(row_sent(lay, row, now));
    return row;
}

static void settle(struct layout *lay, uint32_t row, int64_t in, int64_t out)
{
    tokens_settle(lay, row, 0, &(struct limiter_usage){in, out});
}

/* ---- the window ---------------------------------------------------------------- */

static void what_takes_more_than_is_left_waits(void)
{
    struct layout *lay = lab_of(1000);
    int64_t when;
    uint32_t row;

    (void)sent(lay, 300, LAB_T0);
    (void)sent(lay, 400, LAB_T0 + NS_PER_S);
    CU_ASSERT_TRUE(may(lay, 300, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_FALSE(may(lay, 301, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 60 * NS_PER_S);
    CU_ASSERT_FALSE(may(lay, 601, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 61 * NS_PER_S);
    /* Open is as sent now, and only a write opens more. */
    row = lab_join_taking(lay, "c", (struct take){1, 300}, LAB_T0 + NS_PER_S);
    row_grant(lay, row, LAB_T0 + NS_PER_S);
    CU_ASSERT_FALSE(may(lay, 1000, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, NEVER);
    CU_ASSERT_FALSE(may(lay, 1, LAB_T0 + NS_PER_S, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 60 * NS_PER_S);
    lab_recount(lay);
    row_leave(lay, row);
    CU_ASSERT_TRUE(may(lay, 300, LAB_T0 + NS_PER_S, &when));
    free(lay);
}

/* Other rules, or an estimate that is too high. */
static void what_takes_more_than_all_goes_alone(void)
{
    struct layout *lay = lab_of(1000);
    int64_t when;

    CU_ASSERT_TRUE(may(lay, 5000, LAB_T0, &when));
    (void)sent(lay, 1, LAB_T0);
    CU_ASSERT_FALSE(may(lay, 5000, LAB_T0, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 60 * NS_PER_S);
    CU_ASSERT_TRUE(may(lay, 5000, when, &when));
    (void)sent(lay, 5000, when);
    CU_ASSERT_FALSE(may(lay, 1, when, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 120 * NS_PER_S);
    lab_recount(lay);
    free(lay);
}

/* ---- an answer tells ------------------------------------------------------------- */

static void the_truth_takes_the_estimates_place(void)
{
    static const struct {
        int64_t in, out;
        uint32_t left; /* of 1,000, with 600 estimated */
    } rows[] = {{10, 90, 900}, {-1, 90, 910},   {10, -1, 390}, {-1, -1, 400},
                {0, 1, 999},   {300, 600, 100}, {500, 700, 0}};
    int64_t when;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct layout *lay = lab_of(1000);
        uint32_t row = sent(lay, 600, LAB_T0);

        settle(lay, row, rows[i].in, rows[i].out);
        CU_ASSERT_TRUE(rows[i].left == 0 ||
                       may(lay, rows[i].left, LAB_T0, &when));
        CU_ASSERT_FALSE(may(lay, rows[i].left + 1, LAB_T0, &when));
        settle(lay, row, 0, 0); /* it is told once */
        CU_ASSERT_FALSE(may(lay, rows[i].left + 1, LAB_T0, &when));
        lab_recount(lay);
        row_leave(lay, row);
        lab_is_settled(lay);
        free(lay);
    }
}

static void what_an_upstream_does_not_count_is_not_taken(void)
{
    static const struct {
        enum tokens_counted counts;
        uint32_t left;
    } rows[] = {{TOKENS_BOTH, 330}, {TOKENS_IN, 500}, {TOKENS_OUT, 830}};
    int64_t when;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct layout *lay = lab_of(1000);
        struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
        struct row_join j = {.req = &req};
        uint32_t row;

        lay->rules[0].counts = rows[i].counts;
        req.prompt_bytes = 968; /* 500 */
        req.max_tokens = 170;
        CU_ASSERT_EQUAL(row_join(lay, &j, LAB_T0, &row), REFUSED_NOT);
        row_grant(lay, row, LAB_T0);
        CU_ASSERT_TRUE(may(lay, rows[i].left, LAB_T0, &when));
        CU_ASSERT_FALSE(may(lay, rows[i].left + 1, LAB_T0, &when));
        CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0));
        settle(lay, row, 400, 100);
        CU_ASSERT_EQUAL(lay->scopes[0].window.tokens,
                        rows[i].counts == TOKENS_IN    ? 400
                        : rows[i].counts == TOKENS_OUT ? 100
                                                       : 500);
        free(lay);
    }
}

static void another_upstream_counts_by_its_own_measure(void)
{
    struct layout *lay = lab_of(1000);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct row_join j = {.req = &req};
    uint32_t row;

    lay->rules[1] = lay->rules[0];
    lay->rules[1].counts = TOKENS_IN;
    req.prompt_bytes = 968;
    req.max_tokens = 170;
    CU_ASSERT_EQUAL(row_join(lay, &j, LAB_T0, &row), REFUSED_NOT);
    CU_ASSERT_EQUAL(lay->scopes[0].lined_tokens, 670);
    row_move(lay, row, 1, NONE, LAB_T0);
    CU_ASSERT_EQUAL(lay->scopes[0].lined_tokens, 0);
    CU_ASSERT_EQUAL(lay->scopes[1].lined_tokens, 500);
    lab_recount(lay);
    row_leave(lay, row);
    lab_is_settled(lay);
    free(lay);
}

static void a_send_that_is_forgotten_is_no_others(void)
{
    struct layout *lay = lab_of(1000);
    uint32_t first = sent(lay, 100, LAB_T0), second;

    admit_refresh(lay, 0, LAB_T0 + 60 * NS_PER_S);
    lay->live.now_ns = LAB_T0 + 60 * NS_PER_S;
    second = sent(lay, 100, LAB_T0 + 61 * NS_PER_S); /* in its very place */
    CU_ASSERT_EQUAL(lay->tokens[first].in_scope.k,
                    lay->tokens[second].in_scope.k);
    settle(lay, first, 0, 1);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 100);
    settle(lay, second, 0, 1);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 1);
    lab_recount(lay);
    free(lay);
}

static void one_that_is_sent_again_leaves_its_first_estimate(void)
{
    struct layout *lay = lab_of(1000);
    uint32_t row = sent(lay, 100, LAB_T0);

    row_again(lay, row, LAB_T0 + 1);
    lay->live.now_ns = LAB_T0 + 1;
    row_grant(lay, row, LAB_T0 + 1);
    CU_ASSERT_TRUE(row_sent(lay, row, LAB_T0 + 1));
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 200);
    settle(lay, row, 0, 7);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 107);
    lab_recount(lay);
    free(lay);
}

/* ---- the upstream's own word ------------------------------------------------------ */

static void what_it_says_is_gone_counts_for_a_window(void)
{
    struct layout *lay = lab_of(1000);
    int64_t when, t = LAB_T0 + NS_PER_S;

    (void)sent(lay, 300, LAB_T0);
    lay->live.now_ns = t;
    tokens_left(lay, 0, 900, t); /* never upward */
    CU_ASSERT_FALSE(may(lay, 701, t, &when));
    CU_ASSERT_TRUE(may(lay, 700, t, &when));
    tokens_left(lay, 0, 200, t);
    CU_ASSERT_TRUE(may(lay, 200, t, &when));
    CU_ASSERT_FALSE(may(lay, 201, t, &when));
    CU_ASSERT_EQUAL(when, LAB_T0 + 60 * NS_PER_S);
    CU_ASSERT_FALSE(may(lay, 600, t, &when));
    CU_ASSERT_EQUAL(when, t + 60 * NS_PER_S);
    tokens_left(lay, 0, 650, t + 1); /* more again */
    CU_ASSERT_FALSE(may(lay, 201, t + 1, &when));
    CU_ASSERT_TRUE(may(lay, 1000, t + 60 * NS_PER_S, &when));
    tokens_left(lay, 0, 0, t);
    repair_run(lay, t);
    CU_ASSERT_FALSE(may(lay, 1, t, &when));
    lay->scopes[0].unseen_ns = INT64_MAX; /* nobody wrote that */
    repair_run(lay, t);
    CU_ASSERT_TRUE(may(lay, 700, t, &when));
    free(lay);
}

/* ---- a death ------------------------------------------------------------------------ */

static void a_death_in_between_loses_no_token(void)
{
    struct layout *lay = lab_of(1000);
    uint32_t row = sent(lay, 600, LAB_T0);
    const struct lay_place *at = &lay->tokens[row].in_scope;

    lay->chunks[at->chunk].tokens[at->k] = 50; /* and no more than that */
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 50);
    row_leave(lay, row);
    /* In the log, which its row does not know yet. */
    row = lab_join_taking(lay, "c", (struct take){1, 70}, LAB_T0);
    row_grant(lay, row, LAB_T0);
    (void)window_push(lay, 0, LAB_T0, (struct take){1, 70},
                      lay->rows[row].grant);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->rows[row].state, ROW_SENT);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 120);
    settle(lay, row, 0, 20);
    CU_ASSERT_EQUAL(lay->scopes[0].window.tokens, 70);
    lab_recount(lay);
    free(lay);
}

static void repair(void *lay)
{
    repair_run(lay, LAB_T0);
}

static void tokens_that_nobody_wrote_are_damage(void)
{
    struct layout *lay = lab_of(1000);
    const char *what = NULL;
    uint32_t row = sent(lay, 600, LAB_T0);

    lay->model_states[3].tokens.in.value = UINT64_MAX; /* is only forgotten */
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->model_states[3].tokens.in.value, 0);
    lay->tokens[row].in = UINT32_MAX;
    CU_ASSERT_EQUAL(sigbus_run(repair, lay, &what), GUARD_DAMAGED);
    lay->tokens[row].in = 0;
    lay->chunks[lay->tokens[row].in_scope.chunk].tokens[0] = UINT32_MAX;
    CU_ASSERT_EQUAL(sigbus_run(repair, lay, &what), GUARD_DAMAGED);
    free(lay);
}

/* ---- many, with workers ---------------------------------------------------------------- */

#define RUNS    1500
#define FLIGHTS 64

/* One that is under way, and what its answer will say. */
struct flight {
    struct ask *ask;
    bool written;
    int64_t ends_ns;
    struct limiter_usage truth;
};

struct crowd {
    struct desk *d;
    struct flight f[FLIGHTS];
    bool bounded; /* each says max_tokens */
    bool own;     /* the limit is their client's */
    const char *model;
    int64_t t[RUNS * 2]; /* what was sent when, and took so much in truth */
    uint32_t took[RUNS * 2];
    uint32_t n;
};

/* A prompt of 4 bytes a token, about, and an answer with a tail. */
static void begin(struct crowd *c, struct flight *f)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    uint32_t in = 20 + lab_random(400);

    req.model = c->model;
    req.prompt_bytes = in * (3 + lab_random(2)) + 40;
    f->truth.in = in;
    f->truth.out = 20 + lab_random(300);
    if (lab_random(20) == 0)
        f->truth.out += 200;
    req.tokens_per_min = c->own ? LIMIT : 0;
    if (c->bounded)
        req.max_tokens = (uint32_t)f->truth.out + lab_random(400);
    f->ask = desk_ask(c->d, lab_random(3), &req);
    f->written = false;
    f->ends_ns = 0;
}

static void go_on(struct crowd *c, struct flight *f)
{
    struct desk *d = c->d;

    if (f->ask == NULL || f->ask->ticket == NULL) {
        begin(c, f);
    } else if (f->ask->grants > 0 && !f->written) {
        if (lab_random(30) == 0) { /* its connection failed */
            desk_again(f->ask, true);
            f->ask->grants = 0;
            return;
        }
        desk_sent(f->ask);
        f->written = true;
        f->ends_ns = d->now + (500 + lab_random(6000)) * NS_PER_MS;
        CHECK(c->n < ARRAY_LEN(c->t));
        c->t[c->n] = d->now;
        c->took[c->n++] = (uint32_t)(f->truth.in + f->truth.out);
    } else if (f->written && d->now >= f->ends_ns) {
        limiter_settle(f->ask->lim, f->ask->ticket, &f->truth);
        desk_done(f->ask, false);
        f->ask = NULL;
    }
}

/* The most that any window held, and what they held on average. */
static uint64_t fullest(const struct crowd *c, int64_t span, double *average)
{
    uint32_t i, first = 0;
    uint64_t sum = 0, most = 0, all = 0;

    for (i = 0; i < c->n; i++) {
        all += c->took[i];
        sum += c->took[i];
        while (c->t[first] <= c->t[i] - span)
            sum -= c->took[first++];
        most = sum > most ? sum : most;
    }
    *average =
        (double)all / ((double)(c->t[c->n - 1] - c->t[0]) / (double)span);
    return most;
}

static void run(struct crowd *c, uint32_t until)
{
    uint32_t i, round = 0;

    while (c->n < until) {
        for (i = 0; i < FLIGHTS; i++)
            go_on(c, &c->f[i]);
        desk_pass(c->d, 200);
        if (round++ % 200 == 0)
            lab_recount(desk_layout(c->d, 0));
    }
}

static void crowd_begin(struct crowd *c, bool bounded, bool own)
{
    uint32_t i;

    *c = (struct crowd){.d = desk_new(LOTS),
                        .bounded = bounded,
                        .own = own,
                        .model = "a/model"};
    c->d->set.rules[0].tokens = own ? 0 : LIMIT;
    for (i = 0; i < 3; i++)
        desk_open(c->d, i);
    desk_pass(c->d, 61000);
}

static void check_bounded(bool own)
{
    struct crowd *c = calloc(1, sizeof(*c));
    double average;

    CHECK(c != NULL);
    crowd_begin(c, true, own);
    run(c, RUNS);
    CU_ASSERT_TRUE(fullest(c, 60 * NS_PER_S, &average) <= LIMIT);
    CU_ASSERT_TRUE(average > LIMIT * 0.85);
    desk_free(c->d);
    free(c);
}

static void with_a_bound_no_window_ever_holds_more(void)
{
    check_bounded(false);
}

static void nor_does_any_minute_of_a_client(void)
{
    check_bounded(true);
}

static void without_one_next_to_none_does_once_it_is_learned(void)
{
    struct crowd *c = calloc(1, sizeof(*c));
    double average;

    CHECK(c != NULL);
    crowd_begin(c, false, false);
    run(c, 100);
    c->n = 0;
    run(c, RUNS);
    CU_ASSERT_TRUE(fullest(c, 60 * NS_PER_S, &average) * 100 <= LIMIT * 103);
    CU_ASSERT_TRUE(average > LIMIT * 0.85);
    desk_free(c->d);
    free(c);
}

/* ---- at the door ------------------------------------------------------------------------ */

static struct ask *ask_for(struct desk *d, uint64_t prompt_bytes,
                           uint32_t max_tokens, uint32_t per_min,
                           uint64_t per_day)
{
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct ask *a;

    req.prompt_bytes = prompt_bytes;
    req.max_tokens = max_tokens;
    req.tokens_per_min = per_min;
    req.tokens_per_day = per_day;
    a = desk_ask(d, d->n % 2, &req);
    desk_turn(d);
    return a;
}

static struct desk *desk_of_tokens(uint32_t tokens)
{
    struct desk *d = desk_new(LOTS);

    d->set.rules[0].tokens = tokens;
    desk_open(d, 0);
    desk_open(d, 1);
    desk_pass(d, 61000);
    return d;
}

static void what_never_fits_is_told_so_at_once(void)
{
    static const struct {
        uint64_t bytes;
        uint32_t max_tokens, per_min;
        uint64_t per_day, tokens, limit; /* 0: it is not refused */
    } rows[] = {
        {0, 1000, 0, 0, 0, 0},         {0, 1001, 0, 0, 1001, 1000},
        {100, 1000, 0, 0, 1016, 1000}, {0, 801, 800, 0, 801, 800},
        {0, 800, 800, 700, 800, 700},  {0, 700, 800, 700, 0, 0},
        {6000, 0, 0, 0, 0, 0}, /* 1,500 by its text, if that is English */
        {90000, 0, 0, 0, 11254, 1000},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk *d = desk_of_tokens(1000);
        struct ask *a = ask_for(d, rows[i].bytes, rows[i].max_tokens,
                                rows[i].per_min, rows[i].per_day);

        CU_ASSERT_EQUAL(a->refusals, rows[i].limit > 0);
        CU_ASSERT_EQUAL(a->grants, rows[i].limit == 0);
        if (a->refusals > 0) {
            CU_ASSERT_EQUAL(a->why_refused, REFUSED_TOKENS);
            CU_ASSERT_EQUAL(a->news.tokens, rows[i].tokens);
            CU_ASSERT_EQUAL(a->news.tokens_max, rows[i].limit);
            CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.refused[REFUSED_TOKENS],
                            1);
        }
        desk_free(d);
    }
}

static void whoever_is_next_and_large_holds_up_the_line(void)
{
    struct desk *d = desk_of_tokens(1000);
    struct ask *a = ask_for(d, 0, 600, 0, 0), *large, *small;

    desk_sent(a);
    large = ask_for(d, 0, 500, 0, 0);
    small = ask_for(d, 0, 10, 0, 0);
    CU_ASSERT_EQUAL(large->grants + small->grants, 0);
    CU_ASSERT_EQUAL(large->news.eta_ns, 60 * NS_PER_S);
    /* The answer was short: both go in the same turn. */
    limiter_settle(a->lim, a->ticket, &(struct limiter_usage){0, 100});
    desk_done(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(large->grants, 1);
    CU_ASSERT_EQUAL(small->grants, 1);
    desk_free(d);
}

static void each_model_has_its_own_where_they_are_apart(void)
{
    struct desk *d = desk_new(LOTS);
    struct limiter_request req = lab_request("a", CLASS_NORMAL, 1);
    struct ask *a[3];
    uint32_t i;

    d->set.rules[0].tokens = 1000;
    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    desk_pass(d, 61000);
    for (i = 0; i < 3; i++) {
        req.model = i == 2 ? "m1" : "m0";
        req.max_tokens = 700;
        a[i] = desk_ask(d, 0, &req);
        desk_turn(d);
    }
    CU_ASSERT_EQUAL(a[0]->grants, 1);
    CU_ASSERT_EQUAL(a[1]->grants, 0);
    CU_ASSERT_EQUAL(a[2]->grants, 1);
    desk_free(d);
}

/* Those that wait may be more than all there is then. */
static void a_limit_can_be_lowered_and_changed(void)
{
    struct desk *d = desk_of_tokens(1000);
    struct ask *a = ask_for(d, 0, 900, 0, 0), *b = ask_for(d, 0, 900, 0, 0);
    uint32_t i;

    desk_sent(a);
    desk_done(a, false);
    desk_turn(d);
    d->set.rules[0].tokens = 100;
    for (i = 0; i < 2; i++)
        limiter_set(d->w[i], &d->set);
    desk_pass(d, 59000);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_sent(b);
    desk_done(b, false);
    desk_turn(d);
    /* What was sent is known by another measure: it may have been all. */
    desk_pass(d, 61000);
    d->set.rules[0].counts = TOKENS_OUT;
    for (i = 0; i < 2; i++)
        limiter_set(d->w[i], &d->set);
    a = ask_for(d, 0, 5, 0, 0);
    CU_ASSERT_EQUAL(a->grants, 0);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

/* ---- a client's own --------------------------------------------------------------------- */

static void told(struct desk *d, struct ask *a, int64_t in, int64_t out)
{
    limiter_settle(a->lim, a->ticket, &(struct limiter_usage){in, out});
    desk_done(a, false);
    desk_turn(d);
}

static void a_clients_minute_counts_both(void)
{
    const struct limiter_own_limits own = {0, 1000, 0};
    struct desk *d = desk_of_tokens(0);
    struct limiter_standing st = {.waiting = 0};
    struct ask *a, *b, *other;

    a = ask_for(d, 968, 300, 1000, 0); /* 800 */
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_sent(a);
    b = ask_for(d, 0, 300, 1000, 0);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_TRUE(b->news.own_limit);
    CU_ASSERT_EQUAL(b->news.eta_ns, 60 * NS_PER_S);
    other = desk_ask(d, 0, NULL); /* passes it */
    desk_turn(d);
    CU_ASSERT_EQUAL(other->grants, 1);
    CU_ASSERT_TRUE(limiter_standing(d->w[1], "a", &own, d->now, &st));
    CU_ASSERT_EQUAL(st.tokens.used, 800);
    CU_ASSERT_EQUAL(st.tokens.left, 200);
    CU_ASSERT_EQUAL(st.tokens.opens_ns, 0);
    told(d, a, 300, 100);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_TRUE(limiter_standing(d->w[1], "a", &own, d->now, &st));
    CU_ASSERT_EQUAL(st.tokens.used, 700); /* 300 are open */
    desk_sent(b);
    told(d, b, 0, 700); /* more than was guessed */
    CU_ASSERT_TRUE(limiter_standing(d->w[1], "a", &own, d->now, &st));
    CU_ASSERT_EQUAL(st.tokens.used, 1000);
    CU_ASSERT_EQUAL(st.tokens.left, 0);
    CU_ASSERT_EQUAL(st.tokens.opens_ns, 60 * NS_PER_S);
    b = ask_for(d, 0, 1, 1000, 0);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

static void a_clients_day_is_a_day(void)
{
    const struct limiter_own_limits own = {0, 0, 1000};
    struct desk *d = desk_of_tokens(0);
    struct limiter_standing st = {.waiting = 0};
    struct ask *a, *b;

    a = ask_for(d, 0, 900, 0, 1000);
    desk_sent(a);
    desk_turn(d);
    desk_pass(d, 3 * 3600000); /* its log has forgotten it, the day has not */
    told(d, a, 0, 600);
    a = ask_for(d, 0, 400, 0, 1000);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_sent(a);
    b = ask_for(d, 0, 100, 0, 1000);
    CU_ASSERT_EQUAL(b->grants, 0);
    CU_ASSERT_TRUE(b->news.own_limit);
    CU_ASSERT_EQUAL(b->news.eta_ns, INT64_C(21) * 3600 * NS_PER_S);
    CU_ASSERT_TRUE(limiter_standing(d->w[1], "a", &own, d->now, &st));
    CU_ASSERT_EQUAL(st.day.used, 1000);
    CU_ASSERT_EQUAL(st.day.left, 0);
    CU_ASSERT_EQUAL(st.day.opens_ns, INT64_C(21) * 3600 * NS_PER_S);
    CU_ASSERT_EQUAL(st.tokens.used, 0); /* there is no such limit */
    lab_recount(desk_layout(d, 0));
    desk_pass(d, 21 * 3600000 - 1);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

/* The head of a client's line waits for more than the one behind it; nobody spins
 * meanwhile. */
static void the_alarm_is_the_heads(void)
{
    struct desk *d = desk_of_tokens(0);
    struct ask *a = ask_for(d, 0, 500, 1000, 0), *large, *small;
    int64_t next;

    desk_sent(a);
    desk_done(a, false);
    desk_turn(d);
    large = ask_for(d, 0, 900, 1000, 0);
    small = ask_for(d, 0, 10, 1000, 0);
    CU_ASSERT_EQUAL(large->grants + small->grants, 0);
    desk_pass(d, 30000);
    next = limiter_turn(d->w[0], d->now);
    CU_ASSERT_TRUE(next > d->now + 500 * NS_PER_MS);
    CU_ASSERT_EQUAL(small->grants, 0);
    desk_pass(d, 30000);
    CU_ASSERT_EQUAL(large->grants, 1);
    CU_ASSERT_EQUAL(small->grants, 1);
    desk_free(d);
}

static void a_view_tells_of_tokens(void)
{
    struct desk *d = desk_of_tokens(1000);
    struct ask *a = ask_for(d, 0, 300, 2000, 5000);
    struct limiter_view v;

    desk_sent(a);
    desk_turn(d);
    (void)ask_for(d, 0, 200, 2000, 5000);
    (void)ask_for(d, 0, 600, 2000, 5000);
    CU_ASSERT_TRUE(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.scopes[0].tokens_limit, 1000);
    CU_ASSERT_EQUAL(v.scopes[0].tokens_used, 300);
    CU_ASSERT_EQUAL(v.scopes[0].tokens_reserved, 200);
    CU_ASSERT_EQUAL(v.scopes[0].rules.tokens, 1000);
    CU_ASSERT_EQUAL(v.rows[0].tokens, 600);
    CU_ASSERT_EQUAL(v.rows[0].eta_ns, 60 * NS_PER_S);
    CU_ASSERT_EQUAL(v.clients[0].tokens_per_min, 2000);
    CU_ASSERT_EQUAL(v.clients[0].tokens_used, 500);
    CU_ASSERT_EQUAL(v.clients[0].tokens_per_day, 5000);
    CU_ASSERT_EQUAL(v.clients[0].tokens_used_day, 500);
    view_free(&v);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"what takes more than is left waits", what_takes_more_than_is_left_waits},
    {"what takes more than all goes alone",
     what_takes_more_than_all_goes_alone},
    {"the truth takes the estimate's place",
     the_truth_takes_the_estimates_place},
    {"what an upstream does not count is not taken",
     what_an_upstream_does_not_count_is_not_taken},
    {"another upstream counts by its own measure",
     another_upstream_counts_by_its_own_measure},
    {"a send that is forgotten is no other's",
     a_send_that_is_forgotten_is_no_others},
    {"one that is sent again leaves its first estimate",
     one_that_is_sent_again_leaves_its_first_estimate},
    {"what it says is gone counts for a window",
     what_it_says_is_gone_counts_for_a_window},
    {"a death in between loses no token", a_death_in_between_loses_no_token},
    {"tokens that nobody wrote are damage",
     tokens_that_nobody_wrote_are_damage},
    {"with a bound no window ever holds more",
     with_a_bound_no_window_ever_holds_more},
    {"nor does any minute of a client", nor_does_any_minute_of_a_client},
    {"without one next to none does, once it is learned",
     without_one_next_to_none_does_once_it_is_learned},
    {"what never fits is told so at once", what_never_fits_is_told_so_at_once},
    {"whoever is next, and large, holds up the line",
     whoever_is_next_and_large_holds_up_the_line},
    {"each model has its own where they are apart",
     each_model_has_its_own_where_they_are_apart},
    {"a limit can be lowered, and changed", a_limit_can_be_lowered_and_changed},
    {"a client's minute counts both", a_clients_minute_counts_both},
    {"a client's day is a day", a_clients_day_is_a_day},
    {"the alarm is the head's", the_alarm_is_the_heads},
    {"a view tells of tokens", a_view_tells_of_tokens},
    {NULL, NULL},
};

CU_ErrorCode test_tokens_add(void)
{
    return unit_add("tokens", tests);
}
