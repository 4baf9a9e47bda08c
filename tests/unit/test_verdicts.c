/* Mirrors state/verdicts.c: what the workers make of an upstream's answers.
 * The retreat's own arithmetic is in test_retreat.c. */
#include <string.h>

#include "desk.h"
#include "worker.h"

static const struct retreat *retreat_of(const struct desk *d, uint32_t scope)
{
    return &desk_layout(d, 0)->scopes[scope].retreat;
}

static struct desk *workers(uint32_t n, uint32_t requests)
{
    struct desk *d = desk_new(requests);
    uint32_t i;

    for (i = 0; i < n; i++)
        desk_open(d, i);
    return d;
}

static uint32_t granted(const struct desk *d)
{
    uint32_t i, n = 0;

    for (i = 0; i < d->n; i++)
        n += d->asks[i].grants;
    return n;
}

/* N requests, by turns at the workers; those that are granted are sent. */
static void ask_and_send(struct desk *d, uint32_t n)
{
    uint32_t i, workers_open = 0;

    for (i = 0; i < DESK_WORKERS; i++)
        workers_open += d->w[i] != NULL;
    for (i = 0; i < n; i++)
        (void)desk_ask(d, i % workers_open, NULL);
    desk_turn(d);
    for (i = d->n - n; i < d->n; i++)
        if (d->asks[i].grants > 0)
            desk_sent(&d->asks[i]);
    desk_turn(d);
}

static void refuse(struct ask *a, int64_t retry_s)
{
    desk_report(a, ANSWER_RATE, 429, retry_s);
    desk_again(a, false);
}

/* ---- the life of a retreat ---------------------------------------------------- */

static void rate_holds_then_one_probes_then_it_recovers(void)
{
    struct desk *d = workers(2, 8);
    uint32_t i, refused = 0;

    ask_and_send(d, 12);
    CU_ASSERT_EQUAL(granted(d), 8);
    for (i = 0; i < d->n; i++) /* the upstream takes but four */
        if (d->asks[i].grants > 0 && refused++ < 4)
            refuse(&d->asks[i], -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.counters.holds[HOLD_RATE], 1);
    CU_ASSERT_TRUE(desk_has_logged(d, "retreat"));
    desk_pass(d, 59999);
    CU_ASSERT_EQUAL(granted(d), 8);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_PROBING);
    CU_ASSERT_EQUAL(granted(d), 9); /* exactly one, of both workers */
    CU_ASSERT_EQUAL(d->asks[0].grants, 2);
    desk_pass(d, 4000);
    CU_ASSERT_EQUAL(granted(d), 9);
    desk_sent(&d->asks[0]);
    desk_report(&d->asks[0], ANSWER_FINE, 200, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_RECOVERING);
    CU_ASSERT_EQUAL(granted(d), 12); /* what was tolerated: four */
    for (i = 0; i < d->n; i++)
        CU_ASSERT_EQUAL(d->asks[i].refusals, 0);
    desk_pass(d, 600000);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->live.counters.retreats_over, 1);
    desk_free(d);
}

/* ---- an upstream that tolerates less than we think --------------------------- */

struct sim {
    struct desk *d;
    uint32_t limit; /* of its fixed window, which counts refused hits too */
    int64_t opened_ns;
    uint32_t hits, refusals, sends;
    struct {
        int64_t answer_ns; /* 0: nothing is on its way */
        bool refused;
    } of[DESK_ASKS];
    uint32_t seen[DESK_ASKS]; /* grants that were acted upon */
};

static void sim_hit(struct sim *s, uint32_t i)
{
    int64_t now = s->d->now;

    if (s->hits == 0 || now - s->opened_ns >= 60 * NS_PER_S) {
        s->opened_ns = now;
        s->hits = 0;
    }
    s->hits++;
    s->sends++;
    s->of[i].refused = s->hits > s->limit;
    s->refusals += s->of[i].refused;
    s->of[i].answer_ns =
        now + (s->of[i].refused ? 20 : 500 + lab_random(4000)) * NS_PER_MS;
}

static void sim_answer(struct sim *s, uint32_t i)
{
    struct ask *a = &s->d->asks[i];

    s->of[i].answer_ns = 0;
    if (s->of[i].refused) {
        refuse(a, -1);
        return;
    }
    desk_report(a, ANSWER_FINE, 200, -1);
    desk_done(a, false);
}

/* Runs for MS, with WAITING requests in line at any time. */
static void sim_run(struct sim *s, int64_t ms, uint32_t waiting)
{
    struct desk *d = s->d;
    uint32_t i;

    for (; ms > 0; ms -= 20) {
        while (desk_layout(d, 0)->live.waiting < waiting) {
            (void)desk_ask(d, d->n % 2, NULL);
            desk_turn(d);
        }
        for (i = 0; i < d->n; i++) {
            if (d->asks[i].ticket != NULL && d->asks[i].grants > s->seen[i]) {
                s->seen[i] = d->asks[i].grants;
                desk_sent(&d->asks[i]);
                sim_hit(s, i);
            } else if (s->of[i].answer_ns != 0 &&
                       d->now >= s->of[i].answer_ns) {
                sim_answer(s, i);
            }
        }
        desk_pass(d, 20);
    }
}

static void a_limit_half_of_ours_costs_ever_fewer_refusals(void)
{
    struct desk *d = workers(2, 40);
    struct sim *s = calloc(1, sizeof(*s));
    uint32_t i, before[8] = {0};

    CHECK(s != NULL);
    s->d = d;
    s->limit = 20;
    d->set.rules[0].margin_ns = 500 * NS_PER_MS;
    limiter_set(d->w[0], &d->set);
    limiter_set(d->w[1], &d->set);
    for (i = 0; i < 7; i++) {
        sim_run(s, 60500, 30);
        before[i + 1] = s->refusals;
    }
    CU_ASSERT_EQUAL(before[1], 20);
    for (i = 1; i < 7; i++)
        CU_ASSERT_TRUE(before[i + 1] - before[i] <= 1);
    for (i = 0; i < d->n; i++)
        CU_ASSERT_EQUAL(d->asks[i].refusals, 0);
    CU_ASSERT_TRUE(s->sends - s->refusals >= 7 * 20 * 8 / 10);
    s->limit = 40; /* it has come to reason */
    sim_run(s, 20 * 60500, 30);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
    free(s);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"429 holds, then one probes, then it recovers",
     rate_holds_then_one_probes_then_it_recovers},
    {"a limit half of ours costs ever fewer refusals",
     a_limit_half_of_ours_costs_ever_fewer_refusals},
    {NULL, NULL},
};

CU_ErrorCode test_verdicts_add(void)
{
    return unit_add("verdicts", tests);
}
