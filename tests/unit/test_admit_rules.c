/* Mirrors state/policy/admit_rules.c: what holds for every rule of the list,
 * whichever they are. */
#include "state/policy/admit_rules.h"

#include <stdio.h>
#include <string.h>

#include "lab.h"
#include "state/policy/admit.h"
#include "state/policy/row.h"

#define FORECAST 40

/* Times in a unit of 1 ns or 1 ms: so that what is given in seconds matters, or
 * does not. */
struct past {
    struct layout *lay;
    int64_t now, unit;
    bool open;           /* some rows may be */
    uint32_t weight_max; /* of what was sent */
    bool tokens;         /* they may be limited, too */
    uint32_t taken;      /* chunks of the log that others are said to have */
};

static void random_rules(const struct past *p)
{
    struct lay_rules *r = &p->lay->rules[0];

    r->window_ns = (100 + lab_random(500)) * p->unit;
    r->margin_ns = lab_random(40) * p->unit;
    r->requests = 1 + lab_random(9);
    r->burst = lab_random(2) == 0 ? r->requests : 1 + lab_random(r->requests);
    r->min_gap_ns = lab_random(3) == 0 ? lab_random(90) * p->unit : 0;
    r->in_flight = lab_random(4) == 0 ? 1 + lab_random(6) : 0;
    r->tokens = p->tokens && lab_random(2) == 0 ? 50 + lab_random(200) : 0;
    r->counts = lab_random(TOKENS_COUNTED) == 0 ? TOKENS_OUT : TOKENS_BOTH;
}

static struct take random_take(const struct past *p, uint32_t weight_max)
{
    return (struct take){1 + lab_random(weight_max),
                         p->tokens ? lab_random(90) : 0};
}

static void random_send(struct past *p)
{
    uint32_t row =
        lab_join_taking(p->lay, "c", random_take(p, p->weight_max), p->now);

    row_grant(p->lay, row, p->now);
    if (p->open && lab_random(3) == 0)
        return;
    CU_ASSERT_TRUE(row_sent(p->lay, row, p->now));
    if (lab_random(2) == 0)
        row_leave(p->lay, row);
}

static void random_retreat(const struct past *p)
{
    struct retreat *re = &p->lay->scopes[0].retreat;

    re->state = lab_random(RETREAT_STATES);
    if (re->state == RETREAT_NORMAL)
        return;
    re->since_ns = p->now - 5;
    re->until_ns = p->now + (lab_random(300) - INT64_C(20)) * p->unit;
    re->window.allowance = 1 + lab_random(p->lay->rules[0].requests);
    re->probe_id = p->open && p->lay->live.rows_high > 0
                       ? p->lay->rows[re->probe_row = 0].id
                       : 0;
    re->last_ns = p->now - lab_random(60) * p->unit;
    re->pace.gap_ns = lab_random(3) == 0 ? lab_random(90) * p->unit : 0;
    re->find.opening = lab_random(4) == 0;
    re->find.credit = lab_random(2);
}

static void random_debt(const struct past *p)
{
    struct lay_debt *d = &p->lay->debts[0];

    if (lab_random(8) > 0)
        return;
    p->lay->live.limited = 1;
    d->ejection.until_ns = p->now + (lab_random(200) - INT64_C(50)) * p->unit;
    d->ejection.cause = EJECTED_UNPAID;
}

/* What the upstream said is gone, and nobody here has seen. */
static void random_unseen(const struct past *p)
{
    struct lay_scope *s = &p->lay->scopes[0];
    const struct lay_rules *r = &p->lay->rules[0];

    s->unseen = 0;
    if (r->tokens == 0 || lab_random(3) > 0)
        return;
    s->unseen = lab_random(r->tokens + 1);
    s->unseen_ns =
        p->now - p->unit +
        lab_random((uint32_t)((r->window_ns + r->margin_ns) / p->unit)) *
            p->unit;
}

/* Others have left as many chunks as those that are open may need, or fewer. */
static void random_log(struct past *p)
{
    struct lay_live *l = &p->lay->live;

    p->taken = 0;
    if (lab_random(20) > 0)
        return;
    p->taken = window_chunks_left(p->lay, false) - lab_random(l->open + 1);
    l->free_chunks -= p->taken;
}

/* Under any rules, some of which may have been others before. */
static void random_past(struct past *p)
{
    uint32_t n = lab_random(14);
    int64_t when;

    p->unit = lab_random(3) == 0 ? NS_PER_MS : 1;
    p->now = p->lay->live.now_ns + 5000 * p->unit;
    random_rules(p);
    p->lay->scopes[0].bucket = (struct bucket){0, p->now};
    for (; n > 0; n--, p->now += lab_random(60) * p->unit) {
        p->lay->live.now_ns = p->now;
        admit_refresh(p->lay, 0, p->now);
        if (admit_now(p->lay, 0, TAKE_ONE, p->now, &when) ||
            lab_random(10) == 0)
            random_send(p);
    }
    p->lay->live.now_ns = p->now;
    if (lab_random(6) == 0)
        p->lay->live.lost_ns[0] = p->now - lab_random(300) * p->unit;
    p->lay->control.paused_ns = lab_random(20) == 0 ? p->now : 0;
    random_retreat(p);
    random_debt(p);
    random_unseen(p);
    admit_refresh(p->lay, 0, p->now);
    random_log(p);
}

static void forget(const struct past *p)
{
    struct layout *lay = p->lay;
    uint32_t i;

    lay->live.free_chunks += p->taken;
    for (i = 0; i < lay->live.rows_high; i++)
        if (lay->rows[i].state != ROW_FREE)
            row_leave(lay, i);
    memset(&lay->scopes[0].retreat, 0, sizeof(lay->scopes[0].retreat));
    memset(&lay->debts[0], 0, sizeof(lay->debts[0]));
    lay->live.limited = 0;
    lay->control.paused_ns = 0;
}

/* Tells which rule a fault is in. */
static void check(uint32_t rule, bool is_fine, const char *what)
{
    if (is_fine)
        return;
    fprintf(stderr, "\nrule %s: %s\n", admit_rules[rule].name, what);
    CU_FAIL("a rule of admission");
}

/* What is WRONG by rule, and in all. */
static void none_is(const uint32_t wrong[ADMIT_RULES_N + 1], const char *what)
{
    uint32_t i;

    for (i = 0; i < ADMIT_RULES_N; i++)
        check(i, wrong[i] == 0, what);
    CU_ASSERT_EQUAL(wrong[ADMIT_RULES_N], 0);
}

/* The rule that decides when the one goes that takes W and comes behind K others,
 * whose TIMES are known. */
static void blame(uint32_t wrong[ADMIT_RULES_N + 1], const struct past *p,
                  const int64_t *times, uint32_t k, struct take w)
{
    int64_t by[ADMIT_RULES_N], latest = 0;
    struct forecast f, one;
    struct admit_ask ask;
    uint32_t i;

    admit_rules_ask(&ask, p->lay, 0, p->now);
    forecast_begin(&f, &ask, times, NULL);
    while (k-- > 0)
        (void)forecast_next(&f, forecast_each(&f));
    for (i = 0; i < ADMIT_RULES_N; i++) {
        one = f;
        by[i] = admit_rules[i].foretell(&one, w, f.last_ns);
        latest = max_i64(latest, by[i]);
    }
    for (i = 0; i < ADMIT_RULES_N; i++)
        wrong[i] += by[i] == latest && latest > f.last_ns;
    wrong[ADMIT_RULES_N]++;
}

/* A rule that never holds here is not tested here. */
static void every_rule_foretells_for_the_first_what_it_says_now(void)
{
    struct past p = {.lay = lab_new(), .weight_max = 4, .tokens = true};
    uint32_t held[ADMIT_RULES_N] = {0}, wrong[ADMIT_RULES_N + 1] = {0};
    uint32_t round, i;
    struct admit_ask ask;
    struct take w;
    struct forecast f;

    for (round = 0; round < 3000; round++) {
        random_past(&p);
        w = random_take(&p, 4);
        admit_rules_ask(&ask, p.lay, 0, p.now);
        for (i = 0; i < ADMIT_RULES_N; i++) {
            int64_t said = admit_rules[i].now(&ask, w);

            forecast_begin(&f, &ask, NULL, NULL);
            wrong[i] +=
                admit_rules[i].foretell(&f, w, p.now) != max_i64(said, p.now);
            held[i] += said > p.now;
        }
        forget(&p);
    }
    for (i = 0; i < ADMIT_RULES_N; i++)
        check(i, held[i] > 0, "random_past() makes no state in which it holds");
    none_is(wrong, "it foretells for the first another time than it says now");
    free(p.lay);
}

/* As many as may be are with the upstream: when one of them ends, nobody knows. */
static bool is_crowded(const struct past *p)
{
    uint32_t most = p->lay->rules[0].in_flight;

    return most > 0 && p->lay->scopes[0].in_flight >= most;
}

static void the_first_forecast_is_when_it_may_go(void)
{
    struct past p = {.lay = lab_new(), .weight_max = 3, .tokens = true};
    uint32_t round, wrong[ADMIT_RULES_N + 1] = {0};
    int64_t when, eta;
    struct take w;

    for (round = 0; round < 3000; round++) {
        random_past(&p);
        w = random_take(&p, 3);
        admit_etas(p.lay, 0, &w, 1, p.now, &eta);
        if (admit_now(p.lay, 0, w, p.now, &when) != (eta <= p.now) ||
            (when != eta && !is_crowded(&p)))
            blame(wrong, &p, &eta, 0, w);
        forget(&p);
    }
    none_is(wrong,
            "where it decides, the first is not foretold for when it may");
    free(p.lay);
}

static void the_kth_alone_is_the_kth_of_all(void)
{
    struct past p = {
        .lay = lab_new(), .open = true, .weight_max = 1, .tokens = true};
    uint32_t round, k, wrong[ADMIT_RULES_N + 1] = {0};
    int64_t all[FORECAST];

    for (round = 0; round < 3000; round++) {
        p.weight_max = 1 + lab_random(3);
        random_past(&p);
        admit_etas(p.lay, 0, NULL, FORECAST, p.now, all);
        for (k = 0; k < FORECAST; k++)
            if (admit_eta(p.lay, 0, k, p.now) != all[k])
                blame(wrong, &p, all, k, TAKE_ONE);
        for (k = 1; k < FORECAST; k++)
            CU_ASSERT_TRUE(all[k] == NEVER || all[k - 1] == NEVER ||
                           all[k] >= all[k - 1]);
        forget(&p);
    }
    none_is(wrong, "where it decides, the k-th alone is foretold for another "
                   "time than behind all others: admit_is_stepwise()?");
    free(p.lay);
}

/* While one holds, none of the others lets anything through. */
static void each_rule_can_hold_alone(void)
{
    struct layout *lay = lab_new();
    struct admit_ask ask;
    uint32_t i, holding = 0;

    lay->rules[0] = lab_lay_rules(1, 60, 0);
    lay->control.paused_ns = LAB_T0;
    admit_rules_ask(&ask, lay, 0, LAB_T0);
    for (i = 0; i < ADMIT_RULES_N; i++)
        holding += admit_rules[i].now(&ask, TAKE_ONE) > LAB_T0;
    CU_ASSERT_EQUAL(holding, 1);
    CU_ASSERT_EQUAL(admit_rules[ADMIT_RULE_pause].now(&ask, TAKE_ONE), NEVER);
    CU_ASSERT_EQUAL(admit_rules_now(&ask, TAKE_ONE), NEVER);
    lay->control.paused_ns = 0;
    CU_ASSERT_EQUAL(admit_rules_now(&ask, TAKE_ONE), LAB_T0);
    lab_send(lay, LAB_T0);
    CU_ASSERT_EQUAL(admit_rules_now(&ask, TAKE_ONE), LAB_T0 + 60 * NS_PER_S);
    free(lay);
}

static const struct unit_test tests[] = {
    {"every rule foretells for the first what it says now",
     every_rule_foretells_for_the_first_what_it_says_now},
    {"the first forecast is when it may go",
     the_first_forecast_is_when_it_may_go},
    {"the k-th alone is the k-th of all", the_kth_alone_is_the_kth_of_all},
    {"each rule can hold alone", each_rule_can_hold_alone},
    {NULL, NULL},
};

CU_ErrorCode test_admit_rules_add(void)
{
    return unit_add("admit_rules", tests);
}
