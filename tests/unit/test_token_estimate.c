/* Mirrors state/policy/token_estimate.c and day_sums.c: what is guessed, what is
 * learned, and what a day adds up to. */
#include "state/policy/token_estimate.h"

#include <string.h>

#include "lab.h"
#include "state/policy/day_sums.h"

/* ---- before anything is learned -------------------------------------------- */

static void nothing_known_is_guessed_high_and_not_absurdly(void)
{
    static const struct {
        uint64_t bytes;
        uint32_t max_tokens, in, out;
    } rows[] = {
        {0, 0, 0, 0}, /* no text and no answer: nothing of either */
        {0, 50, 0, 50},
        {1, 50, 17, 50},
        {1000, 50, 516, 50},
        {1000, 0, 516, 1024},
        {UINT64_C(1) << 20, 7, (1u << 19) + 16, 7},
        {UINT64_MAX, UINT32_MAX, 1u << 31, 1u << 31},
    };
    const struct token_estimate nothing = {.in = {0, 0, 0}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        struct token_guess g =
            token_estimate_guess(&nothing, rows[i].bytes, rows[i].max_tokens);

        CU_ASSERT_EQUAL(g.in, rows[i].in);
        CU_ASSERT_EQUAL(g.out, rows[i].out);
    }
}

/* As bytes of English, Chinese and code are known to become tokens: ours is more,
 * and a request that would fit is not called too large. */
static void the_first_guess_holds_for_what_people_write(void)
{
    static const double bytes_a_token[] = {2.1, 2.7, 3.0, 4.0, 4.8};
    const struct token_estimate nothing = {.in = {0, 0, 0}};
    size_t i, k;

    for (i = 0; i < ARRAY_LEN(bytes_a_token); i++) {
        for (k = 100; k < 1000000; k *= 3) {
            uint32_t truth = (uint32_t)((double)k / bytes_a_token[i]) + 8;
            struct token_guess g = token_estimate_guess(&nothing, k, 0);

            CU_ASSERT_TRUE(g.in >= truth);
            CU_ASSERT_TRUE(g.surely_in <= truth);
            CU_ASSERT_EQUAL(g.surely_out, 0);
        }
    }
}

/* ---- learned ------------------------------------------------------------------ */

/* Between LOW and HIGH thousandths. */
static uint32_t part(uint32_t n, uint32_t low, uint32_t high)
{
    return (uint32_t)((uint64_t)n * (low + lab_random(high - low)) / 1000);
}

static void a_prompt_is_guessed_by_those_before_it(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    uint32_t i, above = 0, n = 0;
    uint64_t guessed = 0, true_sum = 0;

    for (i = 0; i < 5000; i++) {
        uint64_t bytes = 200 + lab_random(20000);
        uint32_t truth = 8 + part((uint32_t)bytes / 4, 800, 1200);
        struct token_guess g = token_estimate_guess(&e, bytes, 10);

        if (i >= 100) {
            above += truth > g.in;
            guessed += g.in;
            true_sum += truth;
            n++;
        }
        token_estimate_learn(&e, bytes, truth, -1);
        CU_ASSERT_TRUE(token_estimate_is_sane(&e));
    }
    CU_ASSERT_TRUE(above * 100 <= n);                /* 1 % */
    CU_ASSERT_TRUE(guessed * 100 <= true_sum * 150); /* half more */
}

/* What is above the guess, of answers whose typical length is TYPICAL. */
static uint32_t above_of(struct token_estimate *e, uint32_t typical, uint32_t n)
{
    uint32_t i, above = 0;

    for (i = 0; i < n; i++) { /* a long tail */
        uint32_t truth = part(typical, 300, 1700);

        if (lab_random(50) == 0)
            truth *= 4;
        above += truth > token_estimate_guess(e, 100, 0).out;
        token_estimate_learn(e, 100, -1, truth);
    }
    return above;
}

static void nineteen_of_twenty_answers_are_not_longer(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    uint32_t above;

    (void)above_of(&e, 300, 20);
    above = above_of(&e, 300, 5000);
    CU_ASSERT_TRUE(above >= 175 && above <= 325);
    CU_ASSERT_TRUE(above_of(&e, 6000, 60) <= 25); /* it follows soon upwards */
    above = above_of(&e, 6000, 5000);
    CU_ASSERT_TRUE(above >= 175 && above <= 325);
    (void)above_of(&e, 50, 3000); /* and in time downwards */
    above = above_of(&e, 50, 5000);
    CU_ASSERT_TRUE(above >= 175 && above <= 325);
}

static void a_first_answer_teaches_more_but_not_less(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    int i;

    token_estimate_learn(&e, 1000, 900, 5000);
    CU_ASSERT_TRUE(token_estimate_guess(&e, 1000, 0).in >= 900);
    CU_ASSERT_EQUAL(token_estimate_guess(&e, 1000, 0).out, 5000);
    e = (struct token_estimate){.in = {0, 0, 0}};
    for (i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(token_estimate_guess(&e, 1000, 0).in, 516);
        CU_ASSERT_EQUAL(token_estimate_guess(&e, 1000, 0).out, 1024);
        token_estimate_learn(&e, 1000, 216, 10);
    }
    CU_ASSERT_TRUE(token_estimate_guess(&e, 1000, 0).in < 300);
    CU_ASSERT_EQUAL(token_estimate_guess(&e, 1000, 0).out, 10);
}

/* A picture, or an upstream that makes numbers up. */
static void no_answer_makes_a_prompt_longer_than_its_bytes(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    int i;

    for (i = 0; i < 200; i++)
        token_estimate_learn(&e, 64, INT64_MAX, INT64_MAX);
    CU_ASSERT_TRUE(token_estimate_is_sane(&e));
    CU_ASSERT_EQUAL(token_estimate_guess(&e, 1000, 9).in, 1016);
    CU_ASSERT_TRUE(token_estimate_guess(&e, 1000, 0).out <= 1u << 31);
    /* So few bytes say nothing, as does one who tells nothing. */
    memset(&e, 0, sizeof(e));
    for (i = 0; i < 50; i++) {
        token_estimate_learn(&e, 10, 500, -1);
        token_estimate_learn(&e, 0, 500, -1);
        token_estimate_learn(&e, 1000, -1, -1);
    }
    CU_ASSERT_EQUAL(e.in.n, 0);
    CU_ASSERT_EQUAL(e.out.n, 0);
}

/* ---- a day ------------------------------------------------------------------------ */

#define HOUR (3600 * NS_PER_S)
#define SENT 3000

struct sends {
    int64_t t[SENT];
    uint32_t tokens[SENT];
    uint32_t n;
};

/* What was sent in the last 24 hours, and an hour before that. */
static void sums_of(const struct sends *s, int64_t now, uint64_t *day,
                    uint64_t *more)
{
    uint32_t i;

    *day = *more = 0;
    for (i = 0; i < s->n; i++) {
        *day += s->t[i] > now - 24 * HOUR ? s->tokens[i] : 0;
        *more += s->t[i] > now - 25 * HOUR ? s->tokens[i] : 0;
    }
}

static void check_day(const struct day_hour *hours, const struct sends *s,
                      int64_t now)
{
    uint64_t day, more, used = day_sums_used(hours, now), some;
    int64_t when;

    sums_of(s, now, &day, &more);
    CU_ASSERT_TRUE(used >= day && used <= more);
    if (used == 0)
        return;
    some = 1 + lab_random((uint32_t)used);
    when = day_sums_free_at(hours, some, now);
    CU_ASSERT_TRUE_FATAL(when > now && when <= now + 24 * HOUR);
    CU_ASSERT_TRUE(day_sums_used(hours, when) <= used - some);
    CU_ASSERT_TRUE(day_sums_used(hours, when - 1) > used - some);
    CU_ASSERT_EQUAL(day_sums_free_at(hours, used + 1, now), NEVER);
}

static void a_day_forgets_nothing_too_soon(void)
{
    struct day_hour hours[DAY_HOURS] = {{0, 0}};
    struct sends *s = calloc(1, sizeof(*s));
    int64_t now = LAB_T0;

    CHECK(s != NULL);
    while (s->n < SENT) {
        uint32_t one = lab_random(s->n + 1), told = lab_random(500);

        now += lab_random(8) == 0 ? lab_random(9000) * NS_PER_S
                                  : lab_random(900) * NS_PER_S;
        s->t[s->n] = now;
        s->tokens[s->n] = lab_random(1000);
        day_sums_add(hours, now, s->tokens[s->n++]);
        if (s->t[one] > now - 24 * HOUR) { /* it tells */
            day_sums_settle(hours, s->t[one], s->tokens[one], told);
            s->tokens[one] = told;
        }
        if (lab_random(50) == 0)
            now += lab_random(60) * HOUR;
        check_day(hours, s, now);
        CU_ASSERT_TRUE(day_sums_are_sane(hours, now));
    }
    CU_ASSERT_FALSE(day_sums_are_sane(hours, s->t[SENT - 1] - 1));
    free(s);
}

/* ---- beside a guess by texts ------------------------------------------------------- */

static void a_ratio_is_learned_and_forgotten(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    int i;

    CU_ASSERT_EQUAL(token_estimate_ratio_m(&e), 0);
    token_estimate_compare(&e, 1000, 1500);
    CU_ASSERT_TRUE(token_estimate_ratio_m(&e) > 1300); /* one is a hint, */
    CU_ASSERT_TRUE(token_estimate_ratio_m(&e) < 1500);
    for (i = 0; i < 100; i++)
        token_estimate_compare(&e, 1000, 1500);
    CU_ASSERT_TRUE(token_estimate_ratio_m(&e) >= 1498); /* many are sure */
    for (i = 0; i < 3000; i++)
        token_estimate_compare(&e, 1000, 800);
    CU_ASSERT_TRUE(token_estimate_ratio_m(&e) <= 805);
    CU_ASSERT_TRUE(token_estimate_is_sane(&e));
}

static void what_says_nothing_of_texts_is_not_compared(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};

    token_estimate_compare(&e, 31, 60); /* mostly a template */
    token_estimate_compare(&e, 0, 60);
    token_estimate_compare(&e, 100, -1);
    token_estimate_compare(&e, 100, 0);
    token_estimate_compare(&e, 100, 801); /* there was more than text */
    token_estimate_compare(&e, 801, 100);
    CU_ASSERT_EQUAL(token_estimate_ratio_m(&e), 0);
}

static void no_prompt_rules_alone(void)
{
    struct token_estimate e = {.in = {0, 0, 0}};
    int i;

    for (i = 0; i < 1000; i++)
        token_estimate_compare(&e, 1000, 1000);
    token_estimate_compare(&e, UINT64_MAX, INT64_MAX);
    token_estimate_compare(&e, 1 << 30, INT64_C(1) << 31);
    CU_ASSERT_TRUE(token_estimate_is_sane(&e));
    CU_ASSERT_TRUE(token_estimate_ratio_m(&e) < 1400);
}

static const struct unit_test tests[] = {
    {"a ratio is learned, and forgotten", a_ratio_is_learned_and_forgotten},
    {"what says nothing of texts is not compared",
     what_says_nothing_of_texts_is_not_compared},
    {"no prompt rules alone", no_prompt_rules_alone},
    {"nothing known is guessed high, and not absurdly",
     nothing_known_is_guessed_high_and_not_absurdly},
    {"the first guess holds for what people write",
     the_first_guess_holds_for_what_people_write},
    {"a prompt is guessed by those before it",
     a_prompt_is_guessed_by_those_before_it},
    {"nineteen of twenty answers are not longer",
     nineteen_of_twenty_answers_are_not_longer},
    {"a first answer teaches more, but not less",
     a_first_answer_teaches_more_but_not_less},
    {"no answer makes a prompt longer than its bytes",
     no_answer_makes_a_prompt_longer_than_its_bytes},
    {"a day forgets nothing too soon", a_day_forgets_nothing_too_soon},
    {NULL, NULL},
};

CU_ErrorCode test_token_estimate_add(void)
{
    return unit_add("token_estimate", tests);
}
