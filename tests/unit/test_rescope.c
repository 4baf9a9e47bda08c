/*
 * Mirrors state/policy/rescope.c: the scope changes while requests wait and run, as
 * when workers are restarted one after the other with another word for it.
 */
#include <string.h>

#include "desk.h"
#include "state/policy/limits.h"
#include "state/policy/rescope.h"
#include "state/worker.h"

#define LIMIT    2
#define WINDOW_S 10
#define SENDS    4000
#define NAMES    3

static const char *const models[NAMES] = {"a", "b", "c"};

/* Everything that was ever sent, and a place for what is still asked. */
struct sends {
    struct {
        int64_t at;
        uint32_t model;
    } of[SENDS];
    uint32_t n;
    uint32_t model_of[DESK_ASKS]; /* by the place of the ask */
};

static void settle_on(struct desk *d, uint32_t per_model)
{
    d->set.rules[0] = lab_rules(LIMIT, WINDOW_S, 0);
    d->set.rules[0].per_model = per_model;
}

/* A worker that begins now with this word. */
static void open_with(struct desk *d, uint32_t worker, uint32_t per_model)
{
    settle_on(d, per_model);
    d->now += NS_PER_MS;
    desk_open(d, worker);
}

static void end(struct desk *d, uint32_t worker)
{
    limiter_close(d->w[worker]);
    d->w[worker] = NULL;
}

static struct ask *ask_one(struct desk *d, struct sends *s, uint32_t worker,
                           uint32_t model)
{
    struct ask *a = desk_ask_model(d, worker, models[model]);

    s->model_of[a - d->asks] = model;
    return a;
}

/* How many of the last SPAN there were, of MODEL or (NAMES) of all. */
static uint32_t in_span(const struct sends *s, uint32_t model, int64_t now,
                        int64_t span_ns)
{
    uint32_t i, n = 0;

    for (i = s->n; i-- > 0 && s->of[i].at > now - span_ns;)
        n += model == NAMES || s->of[i].model == model;
    return n;
}

/* What was granted is written now: never more than the rules in force let
 * through, nor sooner. */
static void write_all(struct desk *d, struct sends *s, const struct layout *lay)
{
    uint32_t i;

    for (i = 0; i < d->n; i++) {
        struct ask *a = &d->asks[i];
        const struct lay_rules *r = &lay->rules[0];
        uint32_t of = r->per_model ? s->model_of[i] : NAMES;

        if (a->ticket == NULL || a->grants == 0 || s->n == SENDS)
            continue;
        CU_ASSERT_TRUE(in_span(s, of, d->now, limits_span_ns(r)) < r->requests);
        CU_ASSERT_EQUAL(in_span(s, of, d->now, r->min_gap_ns), 0);
        s->of[s->n].at = d->now;
        s->of[s->n++].model = s->model_of[i];
        desk_done(a, false);
    }
}

static const struct layout *any_layout(const struct desk *d)
{
    uint32_t i;

    for (i = 0; i < DESK_WORKERS; i++)
        if (d->w[i] != NULL && d->w[i]->seat != NONE)
            return desk_layout(d, i);
    return NULL;
}

static void go_on(struct desk *d, struct sends *s, int64_t ms)
{
    int64_t until = d->now + ms * NS_PER_MS;

    for (; d->now < until; d->now += 100 * NS_PER_MS) {
        desk_turn(d);
        write_all(d, s, any_layout(d));
        desk_turn(d);
    }
}

static uint32_t waiting(const struct desk *d)
{
    return any_layout(d)->live.waiting;
}

static void ask_some(struct desk *d, struct sends *s, uint32_t worker,
                     uint32_t n)
{
    uint32_t k, model;

    for (k = 0; k < n; k++)
        for (model = 0; model < NAMES; model++)
            (void)ask_one(d, s, worker, model);
}

/* FROM, while a worker lives on that has this word, to its contrary. */
static void no_window_is_exceeded(uint32_t from)
{
    struct desk *d = desk_new(LIMIT);
    struct sends *s = calloc(1, sizeof(*s));
    uint32_t before;

    CHECK(s != NULL);
    open_with(d, 0, from);
    open_with(d, 1, from);
    ask_some(d, s, 0, 4);
    ask_some(d, s, 1, 4);
    go_on(d, s, 1000);
    before = s->n;
    CU_ASSERT_EQUAL(before, from ? NAMES * LIMIT : LIMIT);
    end(d, 1); /* its waiters go with it */
    open_with(d, 1, !from);
    ask_some(d, s, 1, 2);
    go_on(d, s, WINDOW_S * 1000);
    CU_ASSERT_EQUAL(any_layout(d)->rules[0].per_model, !from);
    go_on(d, s, 1000);
    CU_ASSERT_EQUAL(s->n - before, from ? LIMIT : NAMES * LIMIT);
    go_on(d, s, 90000); /* nobody is left behind */
    CU_ASSERT_EQUAL(waiting(d), 0);
    lab_recount(desk_layout(d, 0));
    free(s);
    desk_free(d);
}

static void models_share_one_window_from_now_on(void)
{
    no_window_is_exceeded(1);
}

static void each_model_gets_its_window_from_now_on(void)
{
    no_window_is_exceeded(0);
}

/* Also one that only follows newer settings: its own word stays the old one
 * until it is started again. */
static void the_word_of_the_worker_that_began_last_holds(void)
{
    struct desk *d = desk_new(LIMIT);

    open_with(d, 0, 1);
    open_with(d, 1, 0);
    settle_on(d, 1);
    d->set.rules[0].requests = d->set.rules[0].burst = 3;
    limiter_adopt(d->w[0], &d->set, 2);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->rules[0].requests, 3);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->rules[0].per_model, 0);
    settle_on(d, 0);
    limiter_adopt(d->w[1], &d->set, 3);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->rules[0].per_model, 0);
    end(d, 0);
    open_with(d, 0, 1); /* as it was, after all */
    limiter_adopt(d->w[0], &d->set, 4);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->rules[0].per_model, 1);
    desk_free(d);
}

/* What was granted before, and is on the wire after: it counts there. */
static void open_ones_count_where_they_are(void)
{
    struct desk *d = desk_new(LIMIT);
    struct ask *a[2];
    struct layout *lay;
    uint32_t i;

    open_with(d, 0, 1);
    for (i = 0; i < 2; i++)
        a[i] = desk_ask_model(d, 0, models[i]);
    desk_turn(d);
    open_with(d, 1, 0);
    desk_turn(d);
    lay = desk_layout(d, 0);
    CU_ASSERT_EQUAL(lay->scopes[0].open, 2);
    CU_ASSERT_EQUAL(lay->scopes[0].in_flight, 2);
    desk_pass(d, 11000);
    for (i = 0; i < 2; i++)
        desk_sent(a[i]);
    desk_turn(d);
    CU_ASSERT_EQUAL(lay->scopes[0].window.n, 2);
    lab_recount(lay);
    for (i = 0; i < 2; i++)
        desk_done(a[i], false);
    desk_turn(d);
    lab_is_settled(lay);
    desk_free(d);
}

/* One that connects for longer than a window holds the next ones also in the
 * scope it came into. */
static void open_ones_hold_the_gap_where_they_are(void)
{
    struct desk *d = desk_new(LIMIT);
    struct ask *a = NULL, *b;
    uint32_t k;

    for (k = 0; k < 2; k++) {
        settle_on(d, !k);
        d->set.rules[0].min_gap_ns = NS_PER_S;
        d->now += NS_PER_MS;
        desk_open(d, k);
        if (k == 0)
            a = desk_ask_model(d, 0, "a");
        desk_turn(d);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(a->grants, 1);
    b = desk_ask_model(d, 1, "b");
    desk_pass(d, 2 * WINDOW_S * 1000);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_sent(a);
    desk_turn(d);
    desk_pass(d, 999);
    CU_ASSERT_EQUAL(b->grants, 0);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(b->grants, 1);
    desk_free(d);
}

/* A line keeps its order, and one that names no model goes along. */
static void lines_keep_their_order(void)
{
    struct desk *d = desk_new(LIMIT);
    struct ask *a[6];
    uint32_t i;

    open_with(d, 0, 0);
    for (i = 0; i < 6; i++) {
        a[i] = desk_ask_model(d, 0, i % 2 == 0 ? "" : models[i % 3]);
        desk_pass(d, 1);
        if (i < 2)
            desk_done(a[i], false);
    }
    desk_turn(d);
    CU_ASSERT_EQUAL(waiting(d), 4);
    open_with(d, 1, 1);
    end(d, 1);
    CU_ASSERT_EQUAL(waiting(d), 4);
    CU_ASSERT_EQUAL(any_layout(d)->scopes[0].waiting, 0);
    lab_recount(desk_layout(d, 0));
    open_with(d, 1, 0);
    CU_ASSERT_EQUAL(any_layout(d)->scopes[0].waiting, 4);
    desk_pass(d, 10100);
    for (i = 2; i < 6; i++)
        CU_ASSERT_EQUAL(a[i]->grants, i < 4);
    lab_recount(desk_layout(d, 0));
    desk_free(d);
}

/* The gap, too: also where it is longer than a window. */
static void the_gap_outlasts_a_change(void)
{
    struct desk *d = desk_new(LIMIT);
    struct ask *a;
    int64_t sent;

    settle_on(d, 0);
    d->set.rules[0].min_gap_ns = 60 * NS_PER_S;
    desk_open(d, 0);
    a = desk_ask_model(d, 0, "a");
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    sent = d->now;
    desk_done(a, false);
    desk_turn(d);
    settle_on(d, 1);
    d->set.rules[0].min_gap_ns = 60 * NS_PER_S;
    d->now += NS_PER_MS;
    desk_open(d, 1);
    a = desk_ask_model(d, 1, "a");
    desk_pass(d, 59000);
    CU_ASSERT_EQUAL(a->grants, 0);
    desk_pass(d, 1100);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_TRUE(a->granted_ns >= sent + 60 * NS_PER_S);
    desk_free(d);
}

/* Settings are in force before anybody goes on: one that was granted a moment
 * before would be judged by others else. */
static void adopt(struct desk *d, uint32_t worker, uint64_t generation)
{
    limiter_adopt(d->w[worker], &d->set, generation);
    (void)limiter_turn(d->w[worker], d->now);
}

/* One that is started follows the newest, but has a word of its own. */
static void begin_with(struct desk *d, uint32_t worker, uint32_t per_model,
                       uint64_t generation)
{
    d->set.rules[0].per_model = per_model;
    d->now += NS_PER_MS;
    desk_open(d, worker);
    adopt(d, worker, generation);
}

/* Any other rules, live; the word on the scope stays. */
static void change(struct desk *d, uint32_t worker, uint64_t generation)
{
    struct limiter_rules *r = &d->set.rules[0];

    r->window_ns = (1 + lab_random(2 * WINDOW_S)) * NS_PER_S;
    r->margin_ns = lab_random(2) * NS_PER_S;
    r->requests = 1 + lab_random(2 * LIMIT);
    r->burst = 1 + lab_random(r->requests);
    r->min_gap_ns = lab_random(3) == 0 ? lab_random(3000) * NS_PER_MS : 0;
    r->per_model = d->w[worker]->set.rules[0].per_model;
    adopt(d, worker, generation);
}

/* Workers of either word come, go, are killed or die as they write; and whoever
 * lives has other rules now and then. */
static void whoever_comes_and_goes_no_window_is_exceeded(void)
{
    struct desk *d = desk_new(LIMIT);
    struct sends *s = calloc(1, sizeof(*s));
    uint64_t generation = 1;
    uint32_t step;

    CHECK(s != NULL);
    settle_on(d, 0);
    begin_with(d, 0, 0, generation);
    for (step = 0; step < 1500; step++) {
        uint32_t worker = lab_random(DESK_WORKERS), what = lab_random(60);

        if (d->w[worker] == NULL && what < 20)
            begin_with(d, worker, lab_random(2), generation);
        else if (d->w[worker] != NULL && worker > 0 && what == 0)
            end(d, worker);
        else if (d->w[worker] != NULL && worker > 0 && what == 1)
            desk_kill(d, worker);
        else if (what == 2)
            desk_layout(d, 0)->live.dirty = 1;
        else if (what < 6 && d->w[worker] != NULL)
            change(d, worker, ++generation);
        else if (d->w[worker] != NULL && waiting(d) < 40)
            (void)ask_one(d, s, worker, lab_random(NAMES));
        go_on(d, s, 1 + lab_random(1500));
    }
    CU_ASSERT_TRUE(s->n > 150); /* some 1,000 s, and waiters all the time */
    lab_recount(desk_layout(d, 0));
    free(s);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"models share one window from now on",
     models_share_one_window_from_now_on},
    {"each model gets its window from now on",
     each_model_gets_its_window_from_now_on},
    {"the word of the worker that began last holds",
     the_word_of_the_worker_that_began_last_holds},
    {"open ones count where they are", open_ones_count_where_they_are},
    {"open ones hold the gap where they are",
     open_ones_hold_the_gap_where_they_are},
    {"lines keep their order", lines_keep_their_order},
    {"the gap outlasts a change", the_gap_outlasts_a_change},
    {"whoever comes and goes, no window is exceeded",
     whoever_comes_and_goes_no_window_is_exceeded},
    {NULL, NULL},
};

CU_ErrorCode test_rescope_add(void)
{
    return unit_add("rescope", tests);
}
