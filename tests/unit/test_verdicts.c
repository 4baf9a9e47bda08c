/* Mirrors state/verdicts.c: what the workers make of an upstream's answers.
 * The retreat's own arithmetic is in test_retreat.c, benches and ceilings are
 * in test_model_state.c. */
#include <string.h>

#include "desk.h"
#include "state/operator.h"
#include "state/view.h"
#include "state/worker.h"

static const struct retreat *retreat_of(const struct desk *d, uint32_t scope)
{
    return &desk_layout(d, 0)->scopes[scope].retreat;
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
    desk_report(a, ANSWER_RATE, retry_s);
    desk_again(a, false);
}

/* One that is known to refuse by mood rests without a ceiling, which nobody would
 * look for while nothing else is limited. */
static void a_moody_model_rests_too(void)
{
    struct desk *d = desk_of(1, 8);
    struct layout *lay = desk_layout(d, 0);
    struct concurrency *c;
    struct ask *a = desk_ask_model(d, 0, "moody");

    desk_turn(d);
    desk_sent(a);
    desk_turn(d);
    c = &lay->model_states[0].concurrency;
    c->lone = (struct chance){70, 30};
    c->credit = 70;
    c->streak = 1; /* the second in a row */
    CU_ASSERT_EQUAL(lay->live.limited, 0);
    desk_report(a, ANSWER_BUSY, -1);
    desk_again(a, false);
    desk_turn(d);
    CU_ASSERT_EQUAL(c->limit, 0);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_pass(d, 499);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_pass(d, 1);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_free(d);
}

/* ---- the life of a retreat ---------------------------------------------------- */

static void rate_holds_then_one_probes_then_it_recovers(void)
{
    struct desk *d = desk_of(2, 8);
    uint32_t i, refused = 0;

    ask_and_send(d, 12);
    CU_ASSERT_EQUAL(granted(d), 8);
    for (i = 0; i < d->n; i++) /* the upstream takes but four */
        if (d->asks[i].grants > 0 && refused++ < 4)
            refuse(&d->asks[i], -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.holds[HOLD_RATE], 1);
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
    desk_report(&d->asks[0], ANSWER_FINE, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_RECOVERING);
    CU_ASSERT_EQUAL(granted(d), 12); /* what was tolerated: four */
    for (i = 0; i < d->n; i++)
        CU_ASSERT_EQUAL(d->asks[i].refusals, 0);
    desk_pass(d, 600000);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.retreats_over, 1);
    desk_free(d);
}

static void an_answer_is_judged_by_the_time_it_comes_at(void)
{
    struct desk *d = desk_of(1, 8);
    const struct lay_counters *c = &desk_stats(d, 0)->counters;

    ask_and_send(d, 1);
    refuse(&d->asks[0], 1);
    desk_turn(d);
    desk_pass(d, 1000);
    desk_sent(&d->asks[0]);
    desk_report(&d->asks[0], ANSWER_FINE, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_RECOVERING);
    desk_pass(d, 61000);
    ask_and_send(d, 1);
    CU_ASSERT_EQUAL(d->asks[1].grants, 1);
    d->now += 600 * NS_PER_S; /* it is over, and nobody had to look */
    refuse(&d->asks[1], 1);
    desk_turn(d);
    CU_ASSERT_EQUAL(c->holds[HOLD_RATE], 2);
    CU_ASSERT_EQUAL(c->holds[HOLD_RECOVERY], 0);
    desk_free(d);
}

/* ---- the probe's lease ------------------------------------------------------- */

/* Two workers, four waiters each, and a hold that ends in 10 s. */
static struct desk *held(void)
{
    struct desk *d = desk_of(2, 9);
    uint32_t i;

    ask_and_send(d, 1);
    refuse(&d->asks[0], 10);
    desk_turn(d);
    for (i = 0; i < 8; i++)
        (void)desk_ask(d, i % 2, NULL);
    desk_turn(d);
    CU_ASSERT_EQUAL_FATAL(retreat_of(d, 0)->state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL_FATAL(granted(d), 1);
    return d;
}

/* Who has been granted and not yet been looked at. */
static struct ask *probe_of(struct desk *d, uint32_t grants_before)
{
    uint32_t i;
    struct ask *found = NULL;

    CU_ASSERT_EQUAL(granted(d), grants_before + 1);
    for (i = 0; i < d->n; i++)
        if (d->asks[i].granted_ns == d->now)
            found = &d->asks[i];
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    return found;
}

static void a_probe_is_passed_on_when_its_time_is_over(void)
{
    struct desk *d = held();
    struct ask *a;

    desk_pass(d, 10000);
    a = probe_of(d, 1);
    desk_sent(a);
    desk_pass(d, 4999);
    CU_ASSERT_EQUAL(granted(d), 2);
    desk_pass(d, 1);
    (void)probe_of(d, 2);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.probes, 2);
    desk_report(a, ANSWER_FINE, -1); /* late, but it tells all the same */
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_RECOVERING);
    desk_free(d);
}

static void a_probe_is_passed_on_when_its_client_leaves(void)
{
    struct desk *d = held();

    desk_pass(d, 10000);
    desk_done(probe_of(d, 1), true);
    desk_turn(d);
    (void)probe_of(d, 2);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_PROBING);
    desk_free(d);
}

static void a_probe_is_passed_on_at_a_fault(void)
{
    struct desk *d = held();
    struct ask *a;

    desk_pass(d, 10000);
    a = probe_of(d, 1);
    desk_sent(a);
    desk_report(a, ANSWER_FAULT, -1); /* and is not over yet */
    desk_turn(d);
    (void)probe_of(d, 2);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_PROBING);
    desk_free(d);
}

static void a_probe_is_passed_on_when_its_owner_dies(void)
{
    struct desk *d = held();
    struct ask *a;

    desk_pass(d, 10000);
    a = probe_of(d, 1);
    desk_sent(a);
    desk_turn(d);
    desk_kill(d, a->lim == d->w[0] ? 0 : 1);
    d->w[0] = d->w[0] != NULL ? d->w[0] : d->w[1];
    d->w[1] = NULL;
    desk_pass(d, 1000); /* when the dead are looked for */
    (void)probe_of(d, 2);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_PROBING);
    desk_free(d);
}

static void a_refused_probe_holds_longer(void)
{
    struct desk *d = held();
    struct ask *a;

    desk_pass(d, 10000);
    a = probe_of(d, 1);
    desk_sent(a);
    refuse(a, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->find.tries, 1);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.holds[HOLD_PROBE], 1);
    CU_ASSERT_EQUAL(granted(d), 2);
    CU_ASSERT_EQUAL(a->refusals, 0);
    desk_free(d);
}

static void what_was_not_sent_reports_nothing(void)
{
    struct desk *d = desk_of(1, 4);
    struct ask *a = desk_ask(d, 0, NULL);

    desk_report(a, ANSWER_RATE, -1); /* not even granted */
    desk_turn(d);
    desk_report(a, ANSWER_RATE, -1); /* granted, and not sent */
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.answers[ANSWER_RATE], 0);
    desk_free(d);
}

/* ---- places and times ---------------------------------------------------------- */

static void a_hold_is_part_of_every_eta(void)
{
    struct desk *d = held();
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct limiter_view v;
    struct ticket_news news;
    struct ask *late;

    CU_ASSERT_TRUE(limiter_place(d->w[0], d->asks[0].ticket, d->now, &news));
    CU_ASSERT_EQUAL(news.position, 0);
    CU_ASSERT_EQUAL(news.eta_ns, 10 * NS_PER_S);
    CU_ASSERT_TRUE(limiter_place(d->w[0], d->asks[1].ticket, d->now, &news));
    CU_ASSERT_TRUE(news.eta_ns >= 10 * NS_PER_S &&
                   news.eta_ns <= 60 * NS_PER_S);
    req.deadline_ns = d->now + 9 * NS_PER_S;
    late = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(late->news.why, REFUSED_DEADLINE);
    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    CU_ASSERT_EQUAL(v.scopes[0].retreat.state, RETREAT_HOLDING);
    CU_ASSERT_EQUAL(v.scopes[0].retreat.ends_ns, 10 * NS_PER_S);
    CU_ASSERT_STRING_EQUAL(v.scopes[0].retreat.reason, "what it said");
    CU_ASSERT_EQUAL(v.scopes[0].next_slot_ns, 10 * NS_PER_S);
    CU_ASSERT_EQUAL(v.rows[0].eta_ns, 10 * NS_PER_S);
    view_free(&v);
    desk_free(d);
}

static void one_that_was_sent_back_is_not_refused_for_the_hold(void)
{
    struct desk *d = desk_of(1, 4);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a;

    req.deadline_ns = d->now + 2 * NS_PER_S;
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    desk_sent(a);
    refuse(a, 30);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->refusals, 0);
    CU_ASSERT_EQUAL(a->news.eta_ns, 30 * NS_PER_S);
    desk_pass(d, 30000);
    CU_ASSERT_EQUAL(a->grants, 2);
    desk_free(d);
}

static void an_operator_ends_a_hold_at_once(void)
{
    struct desk *d = held();

    CU_ASSERT_TRUE(limiter_end_hold(d->w[1], 0, ""));
    CU_ASSERT_TRUE(limiter_has_wishes(d->w[1]));
    desk_turn(d);
    CU_ASSERT_FALSE(limiter_has_wishes(d->w[1]));
    CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
    CU_ASSERT_EQUAL(granted(d), 9); /* a full window */
    CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.holds_ended, 1);
    desk_free(d);
}

static void models_with_windows_of_their_own_retreat_alone(void)
{
    struct desk *d = desk_new(5);
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    struct ask *a, *b;

    d->set.rules[0].per_model = 1;
    desk_open(d, 0);
    req.model = "m/1";
    a = desk_ask(d, 0, &req);
    desk_turn(d);
    desk_sent(a);
    refuse(a, 30);
    desk_turn(d);
    CU_ASSERT_EQUAL(retreat_of(d, LAY_UPSTREAMS)->state, RETREAT_HOLDING);
    req.model = "m/2";
    b = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[0], 0, "m/1"));
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants, 2);
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
    desk_report(a, ANSWER_FINE, -1);
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
    struct desk *d = desk_of(2, 40);
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

/* ---- any order of answers ---------------------------------------------------------- */

/* What was seen before a turn. */
struct before {
    struct retreat retreat;
    uint64_t granted, probes;
    bool probe_runs;
};

static bool runs(const struct layout *lay, const struct retreat *re)
{
    return re->probe_id != 0 && lay->rows[re->probe_row].id == re->probe_id &&
           lay->rows[re->probe_row].state >= ROW_OFFERED;
}

static struct before look(const struct desk *d)
{
    const struct layout *lay = desk_layout(d, 0);
    const struct retreat *re = &lay->scopes[0].retreat;

    return (struct before){*re, desk_stats(d, 0)->counters.granted,
                           desk_stats(d, 0)->counters.probes,
                           runs(lay, re) && d->now < re->until_ns};
}

/* One turn of one worker, before which nothing else happened. */
static void quiet_turn(struct desk *d, uint32_t worker)
{
    const struct layout *lay = desk_layout(d, 0);
    struct before b = look(d);
    uint64_t grants;

    (void)limiter_turn(d->w[worker], d->now);
    grants = desk_stats(d, 0)->counters.granted + lay->live.offered - b.granted;
    if (b.retreat.state == RETREAT_HOLDING && d->now < b.retreat.until_ns)
        CU_ASSERT_EQUAL(grants, 0);
    if (b.retreat.state == RETREAT_PROBING)
        CU_ASSERT_TRUE(grants <= 1);
    /* Its owner may be found dead, or its offer lapse, in this very turn. */
    if (b.retreat.state == RETREAT_PROBING && b.probe_runs &&
        runs(lay, &b.retreat))
        CU_ASSERT_EQUAL(desk_stats(d, 0)->counters.probes, b.probes);
    CU_ASSERT_TRUE(lay->scopes[0].window.n + lay->scopes[0].open <=
                   lay->rules[0].requests);
}

/* Answers one of those that are in flight, in some way. */
static void answer_some(struct desk *d, bool refuses)
{
    static const enum limiter_answer kinds[] = {
        ANSWER_FINE, ANSWER_FINE, ANSWER_RATE,  ANSWER_RATE,
        ANSWER_BUSY, ANSWER_OFF,  ANSWER_FAULT, ANSWER_UNPAID};
    uint32_t i, from = lab_random(d->n);

    for (i = 0; i < d->n; i++) {
        struct ask *a = &d->asks[(from + i) % d->n];
        enum limiter_answer what = kinds[lab_random(ARRAY_LEN(kinds))];

        if (a->ticket == NULL || a->grants == 0 || a->waiting_again)
            continue;
        if (!refuses || lab_random(3) > 0 ||
            (what == ANSWER_UNPAID && lab_random(20) > 0))
            what = ANSWER_FINE;
        desk_sent(a);
        if (lab_random(8) > 0)
            desk_report(a, what, (int64_t)lab_random(20) - 10);
        if (what == ANSWER_RATE || what == ANSWER_BUSY)
            desk_again(a, false);
        else
            desk_done(a, false);
        return;
    }
}

static void stir(struct desk *d, bool refuses)
{
    static const char *const models[] = {"", "m/1", "m/2"};
    struct limiter_request req = lab_request("c", CLASS_NORMAL, 1);
    uint32_t i;

    for (i = lab_random(3); i > 0; i--) {
        req.model = models[lab_random(3)];
        req.client = lab_random(2) == 0 ? "a" : "b";
        req.retry = lab_random(8) == 0;
        req.fingerprint = lab_random(40);
        (void)desk_ask(d, lab_random(DESK_WORKERS), &req);
    }
    for (i = lab_random(6); i > 0 && d->n > 0; i--)
        answer_some(d, refuses);
    if (d->n > 0 && lab_random(30) == 0) /* a client leaves */
        desk_done(&d->asks[lab_random(d->n)], true);
    if (lab_random(300) == 0) {
        desk_kill(d, 1);
        desk_open(d, 1);
    }
}

static void whatever_is_answered_the_rules_hold_and_it_ends(void)
{
    uint32_t round, i, k, seen[RETREAT_STATES];

    memset(seen, 0, sizeof(seen));
    for (round = 0; round < 12; round++) {
        struct desk *d = desk_of(DESK_WORKERS, 3 + lab_random(20));
        struct ask *last;

        for (i = 0; i < 900; i++) {
            stir(d, true);
            desk_turn(d);
            for (k = 0; k < 3; k++) {
                quiet_turn(d, lab_random(DESK_WORKERS));
                d->now += lab_random(2000) * NS_PER_MS;
            }
            seen[retreat_of(d, 0)->state]++;
        }
        lab_recount(desk_layout(d, 0));
        for (i = 0; i < 3 * 3600; i += 10) { /* the upstream is fine again */
            stir(d, false);
            desk_pass(d, 10000);
        }
        CU_ASSERT_EQUAL(retreat_of(d, 0)->state, RETREAT_NORMAL);
        for (i = 0; i < d->n; i++)
            desk_done(&d->asks[i], true);
        desk_pass(d, 120000);
        last = desk_ask(d, 2, NULL);
        desk_turn(d);
        CU_ASSERT_EQUAL(last->grants, 1);
        desk_done(last, true);
        desk_turn(d);
        lab_is_settled(desk_layout(d, 0));
        desk_free(d);
    }
    for (i = 0; i < RETREAT_STATES; i++)
        CU_ASSERT_TRUE(seen[i] > 100);
}

static const struct unit_test tests[] = {
    {"429 holds, then one probes, then it recovers",
     rate_holds_then_one_probes_then_it_recovers},
    {"an answer is judged by the time it comes at",
     an_answer_is_judged_by_the_time_it_comes_at},
    {"a probe is passed on when its time is over",
     a_probe_is_passed_on_when_its_time_is_over},
    {"a probe is passed on when its client leaves",
     a_probe_is_passed_on_when_its_client_leaves},
    {"a probe is passed on at a fault", a_probe_is_passed_on_at_a_fault},
    {"a probe is passed on when its owner dies",
     a_probe_is_passed_on_when_its_owner_dies},
    {"a refused probe holds longer", a_refused_probe_holds_longer},
    {"what was not sent reports nothing", what_was_not_sent_reports_nothing},
    {"a hold is part of every ETA", a_hold_is_part_of_every_eta},
    {"one that was sent back is not refused for the hold",
     one_that_was_sent_back_is_not_refused_for_the_hold},
    {"an operator ends a hold at once", an_operator_ends_a_hold_at_once},
    {"models with windows of their own retreat alone",
     models_with_windows_of_their_own_retreat_alone},
    {"a limit half of ours costs ever fewer refusals",
     a_limit_half_of_ours_costs_ever_fewer_refusals},
    {"whatever is answered, the rules hold and it ends",
     whatever_is_answered_the_rules_hold_and_it_ends},
    {"a moody model rests, too", a_moody_model_rests_too},
    {NULL, NULL},
};

CU_ErrorCode test_verdicts_add(void)
{
    return unit_add("verdicts", tests);
}
