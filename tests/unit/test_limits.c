/* Mirrors state/policy/limits.c: what other rules forget is in test_upstream_map.c too. */
#include "state/policy/limits.h"

#include <string.h>

#include "lab.h"
#include "lib/sigbus.h"
#include "state/file/repair.h"
#include "state/policy/admit.h"
#include "state/policy/row.h"

static struct limiter_settings settings_of(const struct layout *lay)
{
    struct limiter_settings set = {.n_upstreams = 1};

    limits_tell_bounds(&lay->bounds, &set.bounds);
    limits_tell(&lay->rules[0], &set.rules[0]);
    return set;
}

static void a_limit_lowered_live_holds_at_once(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set = settings_of(lay);
    int i;

    for (i = 0; i < 4; i++)
        lab_send(lay, LAB_T0 + i);
    set.rules[0].requests = set.rules[0].burst = 2;
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0 + 10));
    CU_ASSERT_FALSE(limits_set(lay, &set, LAB_T0 + 10));
    CU_ASSERT_EQUAL(admit_used(lay, 0, LAB_T0 + 10), 2);
    CU_ASSERT_EQUAL(admit_eta(lay, 0, 0, LAB_T0 + 10),
                    LAB_T0 + 2 + 60 * NS_PER_S);
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 1 + 60 * NS_PER_S));
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 2 + 60 * NS_PER_S));
    set.rules[0].requests = set.rules[0].burst = 9;
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0 + 2 + 60 * NS_PER_S));
    CU_ASSERT_EQUAL(admit_used(lay, 0, LAB_T0 + 2 + 60 * NS_PER_S), 1);
    free(lay);
}

static void a_longer_window_does_not_forget_what_was_dropped(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set = settings_of(lay);
    int64_t now = LAB_T0 + 61 * NS_PER_S;
    int i;

    for (i = 0; i < 4; i++)
        lab_send(lay, LAB_T0);
    CU_ASSERT_TRUE(lab_may_send(lay, now)); /* the log is empty now */
    set.rules[0].window_ns = 3600 * NS_PER_S;
    CU_ASSERT_TRUE(limits_set(lay, &set, now));
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 3600 * NS_PER_S));
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 3601 * NS_PER_S));
    free(lay);
}

static void tokens_have_come_at_the_rate_of_their_time(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set;
    int i;

    lay->rules[0] = lab_lay_rules(60, 60, 0);
    lay->rules[0].burst = 5;
    set = settings_of(lay);
    for (i = 0; i < 5; i++)
        lab_send(lay, LAB_T0);
    set.rules[0].requests = 6000;
    lay->live.now_ns = LAB_T0 + NS_PER_S; /* and nobody looked meanwhile */
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0 + NS_PER_S));
    CU_ASSERT_EQUAL(admit_tokens_milli(lay, 0, LAB_T0 + NS_PER_S), 1000);
    free(lay);
}

static void another_upstream_in_a_place_starts_full(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set = settings_of(lay);

    strcpy(set.rules[0].name, "other");
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0));
    CU_ASSERT_FALSE(lab_may_send(lay, LAB_T0 + 60 * NS_PER_S - 1));
    CU_ASSERT_TRUE(lab_may_send(lay, LAB_T0 + 60 * NS_PER_S));
    free(lay);
}

static void the_rules_of_an_upstream_in_use_outlive_it(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set = settings_of(lay);
    uint32_t row = lab_join(lay, "c", LAB_T0);

    memset(&set.rules[0], 0, sizeof(set.rules[0]));
    (void)limits_set(lay, &set, LAB_T0);
    CU_ASSERT_EQUAL(lay->rules[0].requests, 4);
    row_leave(lay, row);
    (void)limits_set(lay, &set, LAB_T0);
    CU_ASSERT_EQUAL(lay->rules[0].requests, 0);
    free(lay);
}

/* Nobody used it for a while, and it comes back with a window of another
 * length: what it had is worth as many requests as before. */
static void tokens_keep_their_worth_while_nobody_uses_it(void)
{
    struct layout *lay = lab_new();
    struct limiter_settings set = settings_of(lay);
    struct limiter_rules none = set.rules[0];
    int i;

    set.rules[0].burst = 2;
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0));
    admit_refresh(lay, 0, LAB_T0);
    for (i = 0; i < 2; i++)
        lab_send(lay, LAB_T0);
    none = set.rules[0];
    set.rules[0].requests = 0;
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0));
    set.rules[0] = none;
    set.rules[0].window_ns /= 2;
    lay->scopes[0].bucket.level = none.window_ns; /* one */
    CU_ASSERT_TRUE(limits_set(lay, &set, LAB_T0));
    CU_ASSERT_EQUAL(admit_tokens_milli(lay, 0, LAB_T0), 1000);
    free(lay);
}

/* Somebody was killed while it wrote them: at each point they are the old ones
 * or, once there was a draft, the new ones, and never a bit of both. */
static void what_was_half_written_is_finished(void)
{
    struct layout *lay = lab_new();
    struct lay_rules new = lab_lay_rules(9, 30, 100);

    memcpy(lay->draft.bytes, &new, sizeof(new)); /* killed before it said so */
    lay->draft.at = offsetof(struct layout, rules);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(lay->rules[0].requests, 4);
    lay->draft.n = sizeof(new);
    memset(&lay->rules[0], 0xa5, sizeof(lay->rules[0]) / 2);
    repair_run(lay, LAB_T0);
    CU_ASSERT_EQUAL(memcmp(&lay->rules[0], &new, sizeof(new)), 0);
    CU_ASSERT_EQUAL(lay->draft.n, 0);
    free(lay);
}

static void repair(void *lay)
{
    repair_run(lay, LAB_T0);
}

static void noise_is_no_draft(void)
{
    static const struct lay_draft noise[] = {
        {.n = 1, .at = 0},
        {.n = 1, .at = offsetof(struct layout, live)},
        {.n = 1, .at = sizeof(struct layout)},
        {.n = 2, .at = sizeof(struct layout) - 1},
        {.n = 401, .at = offsetof(struct layout, scopes)},
        {.n = UINT32_MAX, .at = UINT32_MAX},
    };
    struct layout *lay = lab_new();
    const char *what = "";
    size_t i;

    for (i = 0; i < ARRAY_LEN(noise); i++) {
        lay->draft = noise[i];
        CU_ASSERT_EQUAL(sigbus_run(repair, lay, &what), GUARD_DAMAGED);
    }
    lay->draft = (struct lay_draft){.n = 1, .at = sizeof(struct layout) - 1};
    CU_ASSERT_EQUAL(sigbus_run(repair, lay, &what), GUARD_OK);
    free(lay);
}

static const struct unit_test tests[] = {
    {"a limit lowered live holds at once", a_limit_lowered_live_holds_at_once},
    {"a longer window does not forget what was dropped",
     a_longer_window_does_not_forget_what_was_dropped},
    {"tokens have come at the rate of their time",
     tokens_have_come_at_the_rate_of_their_time},
    {"another upstream in a place starts full",
     another_upstream_in_a_place_starts_full},
    {"the rules of an upstream in use outlive it",
     the_rules_of_an_upstream_in_use_outlive_it},
    {"tokens keep their worth while nobody uses it",
     tokens_keep_their_worth_while_nobody_uses_it},
    {"what was half written is finished", what_was_half_written_is_finished},
    {"noise is no draft", noise_is_no_draft},
    {NULL, NULL},
};

CU_ErrorCode test_limits_add(void)
{
    return unit_add("rulebook", tests);
}
