/* Mirrors state/upstream_map.c: workers with other lists of upstreams. */
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "state/operator.h"
#include "state/readiness.h"
#include "state/stats.h"
#include "state/view.h"
#include "state/worker.h"

/* The settings of workers that are opened from now on: names as in "a b". */
static void list(struct desk *d, const char *names)
{
    uint32_t n = 0;

    memset(d->set.rules, 0, sizeof(d->set.rules));
    while (*names != '\0') {
        size_t len = strcspn(names, " ");
        struct limiter_rules *r = &d->set.rules[n++];

        *r = lab_rules(3, 60, 0);
        memset(r->name, 0, sizeof(r->name));
        memcpy(r->name, names, len);
        names += len + (names[len] == ' ');
    }
    d->set.n_upstreams = n;
}

static void open_with(struct desk *d, uint32_t worker, const char *names)
{
    list(d, names);
    desk_open(d, worker);
    CU_ASSERT_NOT_EQUAL(d->w[worker]->seat, NONE);
}

static void end(struct desk *d, uint32_t worker)
{
    limiter_close(d->w[worker]);
    d->w[worker] = NULL;
}

/* Asks for N sends to the K-th upstream of WORKER; how many went at once. */
static uint32_t sends(struct desk *d, uint32_t worker, uint32_t k, uint32_t n)
{
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    uint32_t went = 0;

    req.upstream = k;
    for (; n > 0; n--) {
        struct ask *a = desk_ask(d, worker, &req);

        desk_turn(d);
        went += a->grants;
        desk_done(a, a->grants == 0);
        desk_turn(d);
    }
    return went;
}

/* How many upstreams are in force, and the names of them. */
static const char *in_force(struct desk *d, uint32_t worker)
{
    static char names[LAY_UPSTREAMS * 33];
    static struct limiter_tally t; /* 30 KB */
    uint32_t i;

    names[0] = '\0';
    CU_ASSERT_TRUE(limiter_tally(d->w[worker], d->now, &t));
    for (i = 0; i < t.n_upstreams; i++) {
        strcat(names, i > 0 ? " " : "");
        strcat(names, t.upstreams[i].name);
    }
    return names;
}

/* ---- while workers are restarted one by one -------------------------------- */

static void another_order_is_the_same_set(void)
{
    struct desk *d = desk_new(3);
    struct limiter_probe_times times = {NS_PER_S, NS_PER_S};
    struct limiter_ready ready;

    open_with(d, 0, "one two");
    open_with(d, 1, "two one");
    CU_ASSERT_EQUAL(sends(d, 0, 0, 2), 2);
    CU_ASSERT_EQUAL(sends(d, 1, 1, 2), 1); /* the same one */
    CU_ASSERT_EQUAL(sends(d, 1, 0, 9), 3);
    CU_ASSERT_EQUAL(sends(d, 0, 1, 1), 0);
    CU_ASSERT_STRING_EQUAL(in_force(d, 1), "one two");
    /* What is told goes back by the same way. */
    desk_pass(d, 59000);
    (void)sends(d, 0, 0, 1);
    desk_pass(d, 1000);
    CU_ASSERT_EQUAL(sends(d, 1, 0, 3), 3);
    CU_ASSERT_TRUE(limiter_ready(d->w[1], &times, d->now, &ready));
    CU_ASSERT_EQUAL(ready.n_upstreams, 2);
    CU_ASSERT_EQUAL(ready.upstreams[0].eta_ns, 60 * NS_PER_S);
    CU_ASSERT_EQUAL(ready.upstreams[1].eta_ns, 0);
    lab_is_settled(desk_layout(d, 0));
    desk_free(d);
}

static void an_operator_means_the_upstream_of_that_name(void)
{
    struct desk *d = desk_new(3);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a;

    open_with(d, 0, "one two");
    open_with(d, 1, "two one");
    req.upstream = 1;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    desk_sent(a);
    desk_report(a, ANSWER_RATE, 30);
    desk_again(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(sends(d, 1, 0, 1), 0); /* two holds */
    CU_ASSERT_EQUAL(sends(d, 1, 1, 1), 1);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[1], 1, ""));
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[1], 0, ""));
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_free(d);
}

static void one_more_is_served_at_once(void)
{
    struct desk *d = desk_of(2, 3);

    end(d, 0);
    end(d, 1);
    open_with(d, 0, "one");
    open_with(d, 1, "one");
    CU_ASSERT_EQUAL(sends(d, 0, 0, 2), 2);
    end(d, 1);
    open_with(d, 1, "new one");
    CU_ASSERT_EQUAL(sends(d, 1, 0, 9), 3);
    CU_ASSERT_EQUAL(sends(d, 1, 1, 9), 1);
    desk_pass(d, 5000); /* the old one leaves it in force, also if it writes */
    limiter_set(d->w[0],
                &(struct limiter_settings){.rules = {d->w[0]->set.rules[0]},
                                           .n_upstreams = 1,
                                           .bounds = d->set.bounds});
    desk_pass(d, 5000);
    CU_ASSERT_STRING_EQUAL(in_force(d, 0), "one new");
    end(d, 0);
    open_with(d, 0, "new one");
    CU_ASSERT_EQUAL(sends(d, 0, 0, 1) + sends(d, 0, 1, 1), 0);
    desk_pass(d, 60000);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 9), 3);
    CU_ASSERT_FALSE(desk_has_logged(d, "upstreams_differ"));
    CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
    desk_free(d);
}

static void one_less_stays_until_its_last_worker_ends(void)
{
    struct desk *d = desk_new(3);

    open_with(d, 0, "one two");
    open_with(d, 1, "two");
    CU_ASSERT_EQUAL(sends(d, 0, 0, 9), 3);
    CU_ASSERT_STRING_EQUAL(in_force(d, 1), "one two");
    end(d, 0);
    desk_pass(d, 2000);
    CU_ASSERT_STRING_EQUAL(in_force(d, 1), "two");
    /* It comes back, and its sends still count. */
    open_with(d, 0, "one");
    CU_ASSERT_EQUAL(sends(d, 0, 0, 1), 0);
    desk_pass(d, 58000);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 1), 1);
    /* One that was killed is gone, too. */
    desk_kill(d, 0);
    desk_pass(d, 2000);
    CU_ASSERT_STRING_EQUAL(in_force(d, 1), "two");
    desk_free(d);
}

/* Also those of its models, which have windows of their own. */
static void models_of_one_that_is_gone_are_remembered(void)
{
    struct desk *d = desk_new(3);
    uint32_t i;

    list(d, "one two");
    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 9), 3);
    end(d, 0);
    open_with(d, 0, "two");
    for (i = 0; i < LAY_MODELS + 10; i++) {
        char model[16];
        struct ask *a;

        snprintf(model, sizeof(model), "m%u", (unsigned)i);
        a = desk_ask_model(d, 0, model);
        desk_turn(d);
        desk_done(a, a->grants == 0);
        desk_turn(d);
    }
    end(d, 0);
    list(d, "one two");
    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 1), 0);
    desk_pass(d, 61000);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 9), 3);
    desk_free(d);
}

static void a_lost_file_finds_each_its_rows(void)
{
    struct desk *d = desk_new(3);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a;

    open_with(d, 0, "one two");
    open_with(d, 1, "three two");
    CU_ASSERT_EQUAL(sends(d, 1, 1, 9), 3);
    req.upstream = 1;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(unlink(desk_file(d)), 0);
    d->now += 1100 * NS_PER_MS;
    (void)limiter_turn(d->w[1], d->now); /* now its rows come first */
    desk_turn(d);
    CU_ASSERT_STRING_EQUAL(in_force(d, 0), "three two one");
    CU_ASSERT_EQUAL(a->grants, 0);
    desk_pass(d, 62000);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_EQUAL(sends(d, 1, 1, 9), 2);
    CU_ASSERT_EQUAL(sends(d, 1, 0, 9), 3);
    desk_free(d);
}

/* Somebody was killed while it wrote rules, and who comes next knows nothing of
 * that upstream, or is new: those that wait for it wait on. */
static void rules_half_written_harm_nobody(void)
{
    uint32_t knows;

    for (knows = 0; knows < 2; knows++) {
        struct desk *d = desk_new(3);
        struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
        struct layout *lay;
        struct ask *a;

        open_with(d, 0, "one two");
        open_with(d, 1, "one two");
        req.upstream = 1;
        CU_ASSERT_EQUAL(sends(d, 0, 1, 9), 3);
        a = desk_ask(d, 0, &req); /* waits */
        desk_turn(d);
        lay = desk_layout(d, 0);
        memcpy(lay->draft.bytes, &lay->rules[1], sizeof(lay->rules[1]));
        lay->draft.at = offsetof(struct layout, rules[1]);
        lay->draft.n = sizeof(lay->rules[1]);
        lay->rules[1].requests = 0;
        lay->live.dirty = 1;
        desk_kill(d, 1);
        open_with(d, 1, knows ? "one two" : "one");
        desk_pass(d, 61000);
        CU_ASSERT_EQUAL(a->grants, 1);
        CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
        desk_free(d);
    }
}

/* Nor does whoever looks at all that is there. */
static void a_look_passes_over_models_of_one_that_is_gone(void)
{
    struct desk *d = desk_new(3);
    struct limiter_view v;
    struct ask *a;
    uint32_t i;

    list(d, "one two");
    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    open_with(d, 1, "two");
    a = desk_ask_model(d, 0, "m");
    desk_turn(d);
    desk_done(a, false);
    desk_turn(d);
    for (i = 2; i > 0; i--) { /* one, one's m, two; two */
        CU_ASSERT_TRUE_FATAL(limiter_view(d->w[1], d->now, &v));
        CU_ASSERT_EQUAL(v.n_scopes, 2 * i - 1);
        view_free(&v);
        if (i == 2)
            end(d, 0);
        desk_pass(d, 2000);
    }
    CU_ASSERT_FALSE(desk_has_logged(d, "state_lost"));
    desk_free(d);
}

/* ---- no row is left ---------------------------------------------------------- */

static const char *const sixteen = "a b c d e f g h i j k l m n o p";

static void without_a_row_it_waits_for_one(void)
{
    struct desk *d = desk_new(3);
    struct ask *a;

    open_with(d, 0, sixteen);
    list(d, "q a");
    desk_open(d, 1);
    CU_ASSERT_EQUAL(d->w[1]->seat, NONE);
    CU_ASSERT_TRUE(desk_has_logged(d, "upstreams_differ"));
    a = desk_ask(d, 1, NULL);
    desk_pass(d, 3000);
    CU_ASSERT_EQUAL(a->why_refused, REFUSED_STATE);
    CU_ASSERT_EQUAL(sends(d, 0, 0, 2), 2);
    CU_ASSERT_EQUAL(sends(d, 0, 1, 9), 3);
    end(d, 0);
    desk_pass(d, 1000);
    CU_ASSERT_NOT_EQUAL(d->w[1]->seat, NONE);
    CU_ASSERT_EQUAL(sends(d, 1, 1, 9), 1); /* a, as it was */
    CU_ASSERT_EQUAL(sends(d, 1, 0, 1), 0); /* q, in the place of another */
    desk_pass(d, 61000);
    CU_ASSERT_EQUAL(sends(d, 1, 0, 9), 3);
    desk_free(d);
}

/* What the one before it refused is nothing to an upstream in its row. */
static void a_row_is_handed_on_clean(void)
{
    struct desk *d = desk_new(3);
    struct ask *a;
    uint32_t i;

    open_with(d, 0, sixteen);
    a = desk_ask_model(d, 0, "m");
    desk_turn(d);
    desk_sent(a);
    desk_off(a, EJECTED_GONE, -1); /* for a day */
    desk_turn(d);
    desk_done(a, false);
    desk_layout(d, 0)->own_keys[0].word = KEY_REFUSED;
    for (i = 1; i < 16; i++) {
        d->now += NS_PER_S;
        CU_ASSERT_EQUAL(sends(d, 0, i, 1), 1);
    }
    end(d, 0);
    open_with(d, 0, "q");
    CU_ASSERT_EQUAL(d->w[0]->places[0], 0);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->own_keys[0].word, 0);
    desk_pass(d, 61000);
    a = desk_ask_model(d, 0, "m");
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_free(d);
}

/* Also by those of its models. */
static void the_row_that_rested_longest_goes_first(void)
{
    struct desk *d = desk_new(3);
    uint32_t i;

    list(d, sixteen);
    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    for (i = 16; i-- > 0;) {
        d->now += NS_PER_S;
        CU_ASSERT_EQUAL(sends(d, 0, i, 1), 1);
    }
    end(d, 0);
    open_with(d, 0, "q");
    CU_ASSERT_EQUAL(d->w[0]->places[0], 15);
    desk_free(d);
}

/* ---- at random ---------------------------------------------------------------- */

#define NAMES 4
#define STEPS 3000

struct history_of {
    int64_t at[STEPS];
    uint32_t n;
};

/* Some of the names, in some order. */
static void some_names(char *to)
{
    char all[] = "wxyz";
    uint32_t i, n = 1 + lab_random(NAMES);

    for (i = 0; i < n; i++) {
        uint32_t k = i + lab_random(NAMES - i);
        char c = all[k];

        all[k] = all[i];
        all[i] = c;
        to[2 * i] = c;
        to[2 * i + 1] = ' ';
    }
    to[2 * n - 1] = '\0';
}

static void send_one(struct desk *d, uint32_t worker, struct history_of *of)
{
    const struct limiter_settings *set = &d->w[worker]->set;
    uint32_t k = lab_random(set->n_upstreams);
    struct history_of *h = &of[set->rules[k].name[0] - 'w'];

    if (sends(d, worker, k, 1) == 0)
        return;
    CU_ASSERT_TRUE(h->n < 3 || h->at[h->n - 3] <= d->now - 60 * NS_PER_S);
    h->at[h->n++] = d->now;
}

/* Whoever comes, goes, is killed or loses the file, with whatever list: no
 * window is exceeded, and a worker always has its place. */
static void no_window_is_exceeded_whoever_comes_and_goes(void)
{
    struct desk *d = desk_new(3);
    struct history_of *of = calloc(NAMES, sizeof(*of));
    uint32_t step, went = 0;
    char names[2 * NAMES];

    CHECK(of != NULL);
    for (step = 0; step < STEPS; step++) {
        uint32_t worker = lab_random(DESK_WORKERS), what = lab_random(20);

        if (d->w[worker] == NULL) {
            some_names(names);
            open_with(d, worker, names);
        } else if (what == 0) {
            end(d, worker);
        } else if (what == 1) {
            desk_kill(d, worker);
        } else if (what == 2) {
            desk_layout(d, worker)->live.dirty = 1;
        } else {
            send_one(d, worker, of);
        }
        desk_pass(d, lab_random(3000));
    }
    for (step = 0; step < NAMES; step++)
        went += of[step].n;
    /* 1.5 s a step; no less than half of what four windows allow. */
    CU_ASSERT_TRUE(went > NAMES * 3 * STEPS * 3 / 2 / 60 / 2);
    free(of);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"another order is the same set", another_order_is_the_same_set},
    {"an operator means the upstream of that name",
     an_operator_means_the_upstream_of_that_name},
    {"one more is served at once", one_more_is_served_at_once},
    {"one less stays until its last worker ends",
     one_less_stays_until_its_last_worker_ends},
    {"models of one that is gone are remembered",
     models_of_one_that_is_gone_are_remembered},
    {"a lost file finds each its rows", a_lost_file_finds_each_its_rows},
    {"rules half written harm nobody", rules_half_written_harm_nobody},
    {"a look passes over models of one that is gone",
     a_look_passes_over_models_of_one_that_is_gone},
    {"without a row it waits for one", without_a_row_it_waits_for_one},
    {"a row is handed on clean", a_row_is_handed_on_clean},
    {"the row that rested longest goes first",
     the_row_that_rested_longest_goes_first},
    {"no window is exceeded whoever comes and goes",
     no_window_is_exceeded_whoever_comes_and_goes},
    {NULL, NULL},
};

CU_ErrorCode test_upstream_map_add(void)
{
    return unit_add("places", tests);
}
