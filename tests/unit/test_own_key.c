/* Mirrors state/policy/own_key.c and state/own_keys.c. */
#include "state/policy/own_key.h"

#include <string.h>

#include "desk.h"
#include "state/file/repair.h"
#include "state/operator.h"
#include "state/own_keys.h"
#include "state/policy/layout.h"
#include "state/view.h"
#include "unit.h"

#define T0 (100 * NS_PER_S)

static bool say(struct lay_own_key *k, enum key_word word, uint16_t status,
                bool by_list)
{
    const struct own_key_told told = {word, status, by_list, "no such key"};

    return own_key_take(k, &told, T0);
}

static void the_first_answer_decides(void)
{
    struct lay_own_key k = {.mark = 7};

    CU_ASSERT_TRUE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_EQUAL(k.word, KEY_REFUSED);
    CU_ASSERT_EQUAL(k.status, 403);
    CU_ASSERT_EQUAL(k.since_ns, T0);
    CU_ASSERT_STRING_EQUAL(k.message, "no such key");
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 401, false)); /* no news */
    CU_ASSERT_EQUAL(k.status, 401);
    CU_ASSERT_TRUE(say(&k, KEY_ACCEPTED, 0, false));
    CU_ASSERT_EQUAL(k.status, 0);
    CU_ASSERT_STRING_EQUAL(k.message, "");
    CU_ASSERT_EQUAL(k.mark, 7); /* it is the same key */
    CU_ASSERT_FALSE(say(&k, KEY_ACCEPTED, 0, false));
}

/* A 403 can be about its model, or its prompt. */
static void a_key_that_went_well_is_believed_three_403s(void)
{
    struct lay_own_key k = {.mark = 7};

    (void)say(&k, KEY_ACCEPTED, 0, false);
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_EQUAL(k.word, KEY_ACCEPTED);
    (void)say(&k, KEY_ACCEPTED, 0, false); /* others go well */
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_TRUE(say(&k, KEY_REFUSED, 403, false));
    CU_ASSERT_EQUAL(k.word, KEY_REFUSED);
    (void)say(&k, KEY_ACCEPTED, 0, false);
    CU_ASSERT_TRUE(say(&k, KEY_REFUSED, 401, false)); /* has one meaning */
}

static void a_list_that_needs_no_key_tells_nothing(void)
{
    struct lay_own_key k = {.mark = 7};

    CU_ASSERT_FALSE(say(&k, KEY_UNTOLD, 0, true));
    CU_ASSERT_EQUAL(k.word, KEY_UNTOLD);
    (void)say(&k, KEY_REFUSED, 401, false); /* by a model */
    CU_ASSERT_FALSE(say(&k, KEY_UNTOLD, 0, true));
    CU_ASSERT_FALSE(say(&k, KEY_ACCEPTED, 0, true));
    CU_ASSERT_EQUAL(k.word, KEY_REFUSED);
    own_key_forget(&k, 7);
    (void)say(&k, KEY_REFUSED, 401,
              true); /* by the list: that can take it back */
    CU_ASSERT_TRUE(say(&k, KEY_UNTOLD, 0, true));
    CU_ASSERT_EQUAL(k.word, KEY_ACCEPTED);
}

/* It may have the right to ask models, and none to list them. */
static void a_list_is_no_witness_against_a_model(void)
{
    struct lay_own_key k = {.mark = 7};

    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 403, true));
    CU_ASSERT_EQUAL(k.word, KEY_UNTOLD);
    (void)say(&k, KEY_ACCEPTED, 0, true);
    CU_ASSERT_TRUE(say(&k, KEY_REFUSED, 401, true)); /* the list itself */
    (void)say(&k, KEY_ACCEPTED, 0, false);
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 401, true));
    CU_ASSERT_EQUAL(k.word, KEY_ACCEPTED);
    own_key_forget(&k, 7);
    (void)say(&k, KEY_ACCEPTED, 0, true);
    CU_ASSERT_FALSE(say(&k, KEY_ACCEPTED, 0, false)); /* a model as well */
    CU_ASSERT_FALSE(say(&k, KEY_REFUSED, 401, true));
}

static void noise_is_no_word(void)
{
    struct lay_own_key k = {.word = 3};

    CU_ASSERT_FALSE(own_key_is_sane(&k, T0));
    k = (struct lay_own_key){.since_ns = T0 + 1};
    CU_ASSERT_FALSE(own_key_is_sane(&k, T0));
    k = (struct lay_own_key){.status = 1000};
    CU_ASSERT_FALSE(own_key_is_sane(&k, T0));
    k = (struct lay_own_key){.word = KEY_REFUSED, .status = 401};
    CU_ASSERT_TRUE(own_key_is_sane(&k, T0));
}

/* ---- in the state ------------------------------------------------------------- */

static void answer(struct desk *d, enum key_word word, uint16_t status)
{
    struct limiter_report rep = {.answer = ANSWER_FINE,
                                 .retry_after_ns = -1,
                                 .key = word,
                                 .key_status = status,
                                 .tokens_left = -1};
    struct ask *a = desk_ask(d, 0, NULL);

    snprintf(rep.reason, sizeof(rep.reason), "Authorization failed");
    desk_turn(d);
    desk_sent(a);
    limiter_report(a->lim, a->ticket, &rep);
    desk_done(a, false);
    desk_turn(d);
}

static struct view_key seen(struct desk *d)
{
    struct limiter_view v;
    struct view_key k;

    CU_ASSERT_TRUE_FATAL(limiter_view(d->w[0], d->now, &v));
    k = v.scopes[0].key;
    view_free(&v);
    return k;
}

static void a_change_is_logged_once_and_seen_by_all(void)
{
    struct desk *d = desk_of(2, 40);

    CU_ASSERT_EQUAL(seen(d).word, KEY_UNTOLD);
    CU_ASSERT_EQUAL(seen(d).since_ns, -1);
    answer(d, KEY_REFUSED, 403);
    CU_ASSERT_PTR_NOT_NULL(strstr(d->log, "key"));
    CU_ASSERT_EQUAL(seen(d).word, KEY_REFUSED);
    CU_ASSERT_EQUAL(seen(d).status, 403);
    CU_ASSERT_STRING_EQUAL(seen(d).message, "Authorization failed");
    d->log[0] = '\0';
    answer(d, KEY_REFUSED, 403);
    CU_ASSERT_FALSE(desk_has_logged(d, "key"));
    answer(d, KEY_UNTOLD, 0); /* of a client's own nothing is said */
    CU_ASSERT_EQUAL(seen(d).word, KEY_REFUSED);
    answer(d, KEY_ACCEPTED, 0);
    CU_ASSERT_TRUE(desk_has_logged(d, "key"));
    CU_ASSERT_EQUAL(seen(d).word, KEY_ACCEPTED);
    CU_ASSERT_EQUAL(seen(d).status, 0);
    desk_free(d);
}

static void another_key_is_not_yet_known(void)
{
    struct desk *d = desk_of(2, 40);
    bool forgotten;

    CU_ASSERT_TRUE(limiter_key_is(d->w[0], 0, 11, false, d->now, &forgotten));
    CU_ASSERT_TRUE(forgotten);
    answer(d, KEY_REFUSED, 401);
    CU_ASSERT_TRUE(limiter_key_is(d->w[1], 0, 11, false, d->now, &forgotten));
    CU_ASSERT_FALSE(forgotten); /* a worker more, the same key */
    CU_ASSERT_EQUAL(seen(d).word, KEY_REFUSED);
    CU_ASSERT_TRUE(limiter_key_is(d->w[1], 0, 12, false, d->now, &forgotten));
    CU_ASSERT_TRUE(forgotten);
    CU_ASSERT_EQUAL(seen(d).word, KEY_UNTOLD);
    answer(d, KEY_REFUSED, 401);
    CU_ASSERT_TRUE(limiter_key_is(d->w[1], 0, 12, true, d->now, &forgotten));
    CU_ASSERT_TRUE(forgotten); /* it is asked anew */
    CU_ASSERT_EQUAL(seen(d).word, KEY_UNTOLD);
    desk_free(d);
}

static void a_question_of_ours_tells_it_too(void)
{
    static const struct own_key_told no = {KEY_REFUSED, 401, true, "who?"};
    struct desk *d = desk_of(1, 40);

    CU_ASSERT_TRUE(limiter_key_told(d->w[0], 0, &no, d->now));
    CU_ASSERT_TRUE(desk_has_logged(d, "key"));
    CU_ASSERT_EQUAL(seen(d).word, KEY_REFUSED);
    d->now += 5 * NS_PER_S;
    CU_ASSERT_EQUAL(seen(d).since_ns, 5 * NS_PER_S);
    desk_layout(d, 0)->live.dirty = 1; /* somebody died just now */
    CU_ASSERT_FALSE(limiter_key_told(d->w[0], 0, &no, d->now));
    desk_turn(d);
    desk_layout(d, 0)->own_keys[0].word = 99;
    CU_ASSERT_EQUAL(seen(d).word, KEY_UNTOLD);
    repair_run(desk_layout(d, 0), d->now);
    CU_ASSERT_EQUAL(desk_layout(d, 0)->own_keys[0].word, KEY_UNTOLD);
    desk_free(d);
}

static void an_operator_has_it_tried_again(void)
{
    struct desk *d = desk_of(1, 40);

    answer(d, KEY_REFUSED, 401);
    CU_ASSERT_TRUE(limiter_end_hold(d->w[0], 0, ""));
    desk_turn(d);
    CU_ASSERT_EQUAL(seen(d).word, KEY_UNTOLD);
    desk_free(d);
}

static const struct unit_test tests[] = {
    {"the first answer decides", the_first_answer_decides},
    {"a key that went well is believed three 403s",
     a_key_that_went_well_is_believed_three_403s},
    {"a list that needs no key tells nothing",
     a_list_that_needs_no_key_tells_nothing},
    {"a list is no witness against a model",
     a_list_is_no_witness_against_a_model},
    {"noise is no word", noise_is_no_word},
    {"a change is logged once, and seen by all",
     a_change_is_logged_once_and_seen_by_all},
    {"another key is not yet known", another_key_is_not_yet_known},
    {"a question of ours tells it, too", a_question_of_ours_tells_it_too},
    {"an operator has it tried again", an_operator_has_it_tried_again},
    {NULL, NULL},
};

CU_ErrorCode test_own_key_add(void)
{
    return unit_add("own_key", tests);
}
