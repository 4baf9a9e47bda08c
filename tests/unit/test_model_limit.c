/* Mirrors state/policy/model_limit.c, kept.c and model_eta.c: whose limit is it,
 * who is owed a slot meanwhile, and when will it be used? */
#include "state/policy/model_limit.h"

#include <string.h>

#include "desk.h"
#include "state/operator.h"
#include "state/policy/kept.h"
#include "state/policy/model_eta.h"
#include "state/policy/model_state.h"
#include "state/view.h"

/* One worker, REQUESTS in 60 s, and whose limit refuses is found out. */
static struct desk *learning(uint32_t requests)
{
    struct desk *d = desk_new(requests);

    d->set.rules[0].learns = 1;
    desk_open(d, 0);
    return d;
}

/* One for MODEL is asked for, granted and sent. */
static struct ask *sent(struct desk *d, const char *model)
{
    struct ask *a = desk_ask_model(d, 0, model);

    desk_turn(d);
    CU_ASSERT_EQUAL_FATAL(a->grants, 1);
    desk_sent(a);
    desk_turn(d);
    return a;
}

/* And it passes. */
static void passes(struct desk *d, const char *model)
{
    struct ask *a = sent(d, model);

    desk_report(a, ANSWER_FINE, -1);
    desk_done(a, false);
    desk_turn(d);
}

/* Or is refused, and waits. */
static struct ask *is_refused(struct desk *d, const char *model)
{
    struct ask *a = sent(d, model);

    desk_report(a, ANSWER_RATE, -1);
    desk_again(a, false);
    desk_turn(d);
    return a;
}

static uint32_t state_of(struct desk *d, const char *model)
{
    struct layout *lay = desk_layout(d, 0);
    uint32_t i;

    if (model == NULL)
        return lay->scopes[0].retreat.state;
    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && strcmp(lay->models[i].text, model) == 0)
            return lay->scopes[LAY_UPSTREAMS + i].retreat.state;
    return RETREAT_STATES;
}

static uint32_t row_of(struct desk *d, const char *model)
{
    struct layout *lay = desk_layout(d, 0);
    uint32_t i;

    for (i = 0; i < LAY_MODELS; i++)
        if (lay->models[i].used && strcmp(lay->models[i].text, model) == 0)
            return i;
    return NONE;
}

/* ---- whose limit ------------------------------------------------------------------ */

static void a_refusal_is_the_models_and_stops_no_other(void)
{
    struct desk *d = learning(40);
    struct ask *a, *b;

    passes(d, "hot");
    passes(d, "free");
    a = is_refused(d, "hot");
    CU_ASSERT_EQUAL(state_of(d, "hot"), RETREAT_HOLDING);
    CU_ASSERT_EQUAL(state_of(d, NULL), RETREAT_NORMAL);
    b = desk_ask_model(d, 0, "free");
    desk_turn(d);
    CU_ASSERT_EQUAL(b->grants, 1);
    CU_ASSERT_EQUAL(a->grants, 1);
    desk_pass(d, 500);
    CU_ASSERT_EQUAL(a->grants, 2); /* it tries */
    desk_free(d);
}

static void two_models_refused_with_nothing_passed_between_are_the_account(void)
{
    struct desk *d = learning(40);

    passes(d, "a");
    passes(d, "b");
    desk_pass(d, 10);
    (void)is_refused(d, "a");
    CU_ASSERT_EQUAL(state_of(d, NULL), RETREAT_NORMAL);
    desk_pass(d, 10);
    (void)is_refused(d, "b");
    CU_ASSERT_EQUAL(state_of(d, NULL), RETREAT_HOLDING);
    CU_ASSERT_EQUAL(state_of(d, "a"), RETREAT_NORMAL);
    CU_ASSERT_EQUAL(state_of(d, "b"), RETREAT_NORMAL);
    desk_free(d);
}

static void a_pass_between_them_ends_the_suspicion(void)
{
    struct desk *d = learning(40);

    passes(d, "a");
    passes(d, "b");
    passes(d, "c");
    (void)is_refused(d, "a");
    desk_pass(d, 10);
    passes(d, "c");
    (void)is_refused(d, "b");
    CU_ASSERT_EQUAL(state_of(d, NULL), RETREAT_NORMAL);
    CU_ASSERT_EQUAL(state_of(d, "a"), RETREAT_HOLDING);
    CU_ASSERT_EQUAL(state_of(d, "b"), RETREAT_HOLDING);
    desk_free(d);
}

static void what_names_no_model_is_the_accounts(void)
{
    struct desk *d = learning(40);

    (void)is_refused(d, "");
    CU_ASSERT_EQUAL(state_of(d, NULL), RETREAT_HOLDING);
    desk_free(d);
}

static void one_model_at_a_time_tries(void)
{
    struct desk *d = learning(40);
    struct ask *a, *b;

    passes(d, "a");
    passes(d, "b");
    passes(d, "c");
    a = is_refused(d, "a");
    desk_pass(d, 10);
    passes(d, "c");
    b = is_refused(d, "b");
    desk_pass(d, 500);
    CU_ASSERT_EQUAL(a->grants + b->grants, 3);
    desk_sent(a->grants == 2 ? a : b);
    desk_report(a->grants == 2 ? a : b, ANSWER_FINE, -1);
    desk_turn(d);
    CU_ASSERT_EQUAL(a->grants + b->grants, 4);
    desk_free(d);
}

/* Eight of one that nobody knows go ahead; the others follow the first answer, or
 * when a refusal would have come. */
static void of_a_new_model_some_go_ahead(void)
{
    struct desk *d = learning(40);
    uint32_t i, granted = 0;

    for (i = 0; i < 20; i++)
        (void)desk_ask_model(d, 0, "new");
    desk_turn(d);
    for (i = 0; i < 20; i++) {
        granted += d->asks[i].grants;
        if (d->asks[i].grants > 0)
            desk_sent(&d->asks[i]);
    }
    CU_ASSERT_EQUAL(granted, 8);
    desk_turn(d);
    desk_pass(d, 299);
    CU_ASSERT_EQUAL(d->asks[8].grants, 0);
    desk_pass(d, 1);
    for (i = 8; i < 20; i++)
        CU_ASSERT_EQUAL(d->asks[i].grants, 1);
    desk_free(d);
}

static void the_first_answer_lets_the_others_go(void)
{
    struct desk *d = learning(40);
    uint32_t i;

    for (i = 0; i < 20; i++)
        (void)desk_ask_model(d, 0, "new");
    desk_turn(d);
    desk_sent(&d->asks[0]);
    desk_report(&d->asks[0], ANSWER_FINE, -1);
    desk_turn(d);
    for (i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(d->asks[i].grants, 1);
    desk_free(d);
}

/* ---- what is owed ----------------------------------------------------------------- */

/* A model that bears 2 at a time, beside a free one, in a window of 10: its slots
 * are kept while the other's go at once. */
static struct desk *beside_a_busy_one(struct ask *busy[12],
                                      struct ask *idle[12])
{
    struct desk *d = learning(10);
    uint32_t i;

    passes(d, "busy");
    passes(d, "idle");
    desk_pass(d, 61000);
    for (i = 0; i < 3; i++)
        (void)sent(d, "busy");
    desk_report(&d->asks[4], ANSWER_BUSY, -1);
    desk_done(&d->asks[4], false);
    desk_turn(d);
    for (i = 0; i < 3; i++) /* the window is full up to 1 */
        passes(d, "idle");
    desk_pass(d, 60000);
    for (i = 0; i < 12; i++) {
        busy[i] = desk_ask_model(d, 0, "busy");
        idle[i] = desk_ask_model(d, 0, "idle");
    }
    return d;
}

static uint32_t grants_of(struct ask *const asks[12])
{
    uint32_t i, n = 0;

    for (i = 0; i < 12; i++)
        n += asks[i]->grants;
    return n;
}

static void slots_are_kept_for_who_is_at_its_ceiling(void)
{
    struct ask *busy[12], *idle[12];
    struct desk *d = beside_a_busy_one(busy, idle);
    struct layout *lay = desk_layout(d, 0);

    desk_turn(d);
    CU_ASSERT_EQUAL(lay->model_states[row_of(d, "busy")].concurrency.limit, 2);
    CU_ASSERT_EQUAL(grants_of(busy), 0);
    CU_ASSERT_EQUAL(lay->scopes[0].kept, 2);
    CU_ASSERT_EQUAL(grants_of(idle), 8);
    lab_recount(lay);
    desk_done(&d->asks[2], false); /* one of those in flight ends */
    desk_turn(d);
    CU_ASSERT_EQUAL(grants_of(busy), 1);
    CU_ASSERT_EQUAL(busy[0]->grants, 1);
    CU_ASSERT_EQUAL(grants_of(idle) + lay->scopes[0].kept, 9);
    lab_recount(lay);
    desk_free(d);
}

static void who_leaves_gives_its_kept_slot_back(void)
{
    struct ask *busy[12], *idle[12];
    struct desk *d = beside_a_busy_one(busy, idle);
    struct layout *lay = desk_layout(d, 0);
    uint32_t i;

    desk_turn(d);
    CU_ASSERT_EQUAL(lay->scopes[0].kept, 2);
    for (i = 0; i < 12; i++)
        desk_done(busy[i], true);
    desk_turn(d);
    CU_ASSERT_EQUAL(lay->scopes[0].kept, 0);
    CU_ASSERT_EQUAL(lay->model_states[row_of(d, "busy")].kept, 0);
    CU_ASSERT_EQUAL(grants_of(idle), 10);
    lab_recount(lay);
    desk_free(d);
}

/* A model that is off for long is owed nothing. */
static void nothing_is_kept_for_who_is_off(void)
{
    struct ask *busy[12], *idle[12];
    struct desk *d = beside_a_busy_one(busy, idle);

    desk_off(&d->asks[2], EJECTED_UNAVAILABLE, 120);
    desk_turn(d);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].kept, 0);
    CU_ASSERT_EQUAL(grants_of(idle), 10);
    desk_free(d);
}

/* Whose own limit is reached by a grant cannot take what was kept for it just
 * before: somebody else goes in the same turn, for no alarm would tell. */
static void what_cannot_be_taken_any_more_goes_to_others_at_once(void)
{
    struct ask *busy[12], *idle[12];
    struct desk *d = beside_a_busy_one(busy, idle);
    struct limiter_request req = lab_request("limited", CLASS_NORMAL, 1);
    struct ask *own;
    uint32_t i;

    CU_ASSERT_TRUE(limiter_pause(d->w[0], "o", d->now));
    for (i = 0; i < 12; i++)
        desk_done(busy[i], true);
    req.requests_per_min = 1;
    req.model = "busy";
    (void)desk_ask(d, 0, &req);
    req.model = "idle";
    own = desk_ask(d, 0, &req);
    desk_turn(d);
    CU_ASSERT_EQUAL(grants_of(idle), 0);
    CU_ASSERT_TRUE(limiter_pause(d->w[0], NULL, d->now));
    (void)limiter_turn(d->w[0], d->now);
    CU_ASSERT_EQUAL(own->grants, 1);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->scopes[0].kept, 0);
    CU_ASSERT_EQUAL(grants_of(idle), 9);
    lab_recount(desk_layout(d, 0));
    desk_free(d);
}

/* ---- when ------------------------------------------------------------------------- */

static void a_ceiling_is_foretold_by_how_long_answers_take(void)
{
    struct layout *lay = lab_new();
    struct lay_model_state *t = &lay->model_states[0];

    lay->rules[0] = lab_lay_rules(40, 60, 0);
    lay->models[0].owner = 0;
    lay->live.limited = 1;
    t->concurrency.limit = 4;
    t->in_flight = 4;
    t->service_ns = 8 * NS_PER_S;
    CU_ASSERT_EQUAL(model_eta(lay, 0, 0, LAB_T0), LAB_T0 + 2 * NS_PER_S);
    CU_ASSERT_EQUAL(model_eta(lay, 0, 7, LAB_T0), LAB_T0 + 16 * NS_PER_S);
    t->in_flight = 2;
    CU_ASSERT_EQUAL(model_eta(lay, 0, 1, LAB_T0), LAB_T0);
    CU_ASSERT_EQUAL(model_eta(lay, 0, 2, LAB_T0), LAB_T0 + 2 * NS_PER_S);
    CU_ASSERT_EQUAL(model_eta(lay, NONE, 2, LAB_T0), LAB_T0);
    free(lay);
}

static void a_pace_and_a_hold_are_foretold(void)
{
    struct layout *lay = lab_new();
    struct retreat *re = &lay->scopes[LAY_UPSTREAMS].retreat;

    lay->rules[0] = lab_lay_rules(40, 60, 0);
    lay->rules[0].learns = 1;
    lay->models[0].owner = 0;
    lay->live.limited = 1;
    re->passed_ns = LAB_T0 - 1;
    re->state = RETREAT_HOLDING;
    re->until_ns = LAB_T0 + 9 * NS_PER_S;
    CU_ASSERT_EQUAL(model_eta(lay, 0, 0, LAB_T0), LAB_T0 + 9 * NS_PER_S);
    re->state = RETREAT_RECOVERING;
    re->pace.gap_ns = 3 * NS_PER_S;
    re->last_ns = LAB_T0 - NS_PER_S;
    CU_ASSERT_EQUAL(model_eta(lay, 0, 0, LAB_T0), LAB_T0 + 2 * NS_PER_S);
    CU_ASSERT_EQUAL(model_eta(lay, 0, 2, LAB_T0), LAB_T0 + 8 * NS_PER_S);
    free(lay);
}

static const struct unit_test tests[] = {
    {"a refusal is the model's, and stops no other",
     a_refusal_is_the_models_and_stops_no_other},
    {"two models refused with nothing passed between are the account",
     two_models_refused_with_nothing_passed_between_are_the_account},
    {"a pass between them ends the suspicion",
     a_pass_between_them_ends_the_suspicion},
    {"what names no model is the account's",
     what_names_no_model_is_the_accounts},
    {"one model at a time tries", one_model_at_a_time_tries},
    {"of a new model some go ahead", of_a_new_model_some_go_ahead},
    {"the first answer lets the others go",
     the_first_answer_lets_the_others_go},
    {"slots are kept for who is at its ceiling",
     slots_are_kept_for_who_is_at_its_ceiling},
    {"who leaves gives its kept slot back",
     who_leaves_gives_its_kept_slot_back},
    {"nothing is kept for who is off", nothing_is_kept_for_who_is_off},
    {"what cannot be taken any more goes to others at once",
     what_cannot_be_taken_any_more_goes_to_others_at_once},
    {"a ceiling is foretold by how long answers take",
     a_ceiling_is_foretold_by_how_long_answers_take},
    {"a pace and a hold are foretold", a_pace_and_a_hold_are_foretold},
    {NULL, NULL},
};

CU_ErrorCode test_model_limit_add(void)
{
    return unit_add("model_limit", tests);
}
