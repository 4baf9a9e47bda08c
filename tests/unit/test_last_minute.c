/* Mirrors state/stats/last_minute.c, and what is counted by it and beside the
 * sums of tokens. */
#include "state/stats/last_minute.h"

#include <string.h>

#include "lab.h"
#include "state/stats/counters.h"
#include "state/stats/figures.h"
#include "state/stats/stats_layout.h"
#include "unit.h"

#define T0 (1000 * NS_PER_S)

static void what_was_sent_counts_for_a_minute(void)
{
    struct lay_last_minute m;
    int i;

    memset(&m, 0, sizeof(m));
    CU_ASSERT_EQUAL(last_minute_told(&m, T0), 0);
    for (i = 0; i < 40; i++)
        last_minute_count(&m, T0 + i * NS_PER_S / 4);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0 + 10 * NS_PER_S), 40);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0 + 59 * NS_PER_S), 40);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0 + 60 * NS_PER_S), 36);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0 + 70 * NS_PER_S), 0);
    last_minute_count(&m, T0 + 500 * NS_PER_S);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0 + 500 * NS_PER_S), 1);
    CU_ASSERT_EQUAL(last_minute_told(&m, T0), 0); /* another boot's */
}

static void noise_costs_numbers_alone(void)
{
    struct lay_last_minute m = {.last_s = 0};
    int i;

    for (i = 0; i < 200; i++) {
        unsigned char *bytes = (unsigned char *)&m;
        size_t k;

        for (k = 0; k < sizeof(m); k++)
            bytes[k] = (unsigned char)lab_random(256);
        last_minute_count(&m, T0);
        CU_ASSERT_TRUE(last_minute_told(&m, T0) <= 60 * UINT16_MAX);
    }
    memset(&m, 0xff, sizeof(m));
    m.last_s = T0 / NS_PER_S;
    last_minute_count(&m, T0); /* it stays at the most there can be */
    CU_ASSERT_EQUAL(m.in[m.last_s % LAST_MINUTE_S], UINT16_MAX);
}

/* ---- tokens, and of how many answers ------------------------------------------- */

static struct limiter_note note_of(enum outcome outcome, bool has_usage,
                                   int64_t in, int64_t out)
{
    return (struct limiter_note){.outcome = outcome,
                                 .upstreamed = true,
                                 .has_usage = has_usage,
                                 .cls = CLASS_NORMAL,
                                 .queue_ns = -1,
                                 .first_byte_ns = -1,
                                 .generation_ns = -1,
                                 .speed_milli = -1,
                                 .tokens_in = in,
                                 .tokens_out = out,
                                 .provider = "a",
                                 .model = "a/b",
                                 .client = "c"};
}

static void sums_of_tokens_say_of_how_many_answers(void)
{
    static const struct {
        enum outcome outcome;
        bool has_usage;
        int64_t in, out;
    } ended[] = {
        {OUTCOME_OK, true, 10, 5},    {OUTCOME_OK, true, -1, -1},
        {OUTCOME_OK, true, 10, -1},   {OUTCOME_OK, false, -1, -1}, /* a file */
        {OUTCOME_RATE, true, -1, -1},
    };
    const struct figures_of who = {3, 5, 0, "c", "a/b"};
    struct stats_layout *st = lab_stats();
    const struct lay_moment *m;
    struct lay_figures f;
    struct view_figures v;
    size_t i;

    rings_turn(&st->history, 1790000000, LAB_T0);
    for (i = 0; i < ARRAY_LEN(ended); i++) {
        struct limiter_note n = note_of(ended[i].outcome, ended[i].has_usage,
                                        ended[i].in, ended[i].out);

        counters_note(st, &n, &who, LAB_T0);
    }
    CU_ASSERT_TRUE(figures_model(&st->tally, 5, 0, "a/b", &f));
    figures_tell(&f, LAB_T0, &v);
    CU_ASSERT_EQUAL(v.answers, 3);
    CU_ASSERT_EQUAL(v.told, 2);
    CU_ASSERT_EQUAL(v.tokens_in, 20);
    CU_ASSERT_TRUE(figures_client(&st->tally, 3, "c", &f));
    CU_ASSERT_EQUAL(f.answers - f.told, 1);
    CU_ASSERT_EQUAL(st->tally.sums.providers[0].answers, 3);
    CU_ASSERT_EQUAL(st->tally.sums.providers[0].told, 2);
    /* Of a moment: all good ones but that which did not tell. */
    m = &st->history.moments[rings_place(&history_rings[0], 1790000000)];
    CU_ASSERT_EQUAL(m->outcomes[OUTCOME_OK], 4);
    CU_ASSERT_EQUAL(m->told, 3);
    free(st);
}

/* There is no room for it on the disk: it is what is left of the requests. */
static void the_last_outcome_is_what_is_left(void)
{
    const struct figures_of who = {3, 5, 0, "c", "a/b"};
    struct stats_layout *st = lab_stats();
    struct limiter_note key = note_of(OUTCOME_UPSTREAM_KEY, true, -1, -1);
    struct limiter_note ok = note_of(OUTCOME_OK, true, 1, 1);
    struct lay_moment *m, noise;

    rings_turn(&st->history, 1790000000, LAB_T0);
    counters_note(st, &key, &who, LAB_T0);
    counters_note(st, &ok, &who, LAB_T0);
    counters_note(st, &key, &who, LAB_T0);
    m = &st->history.moments[rings_place(&history_rings[1], 1790000000)];
    CU_ASSERT_EQUAL(m->requests, 3);
    CU_ASSERT_EQUAL(rings_outcome(m, OUTCOME_UPSTREAM_KEY), 2);
    CU_ASSERT_EQUAL(rings_outcome(m, OUTCOME_OK), 1);
    CU_ASSERT_EQUAL(st->tally.sums.outcomes[OUTCOME_UPSTREAM_KEY], 2);
    noise = *m;
    noise.outcomes[OUTCOME_LOST] = 1000;
    CU_ASSERT_EQUAL(rings_outcome(&noise, OUTCOME_UPSTREAM_KEY), 0);
    free(st);
}

static const struct unit_test tests[] = {
    {"what was sent counts for a minute", what_was_sent_counts_for_a_minute},
    {"noise costs numbers alone", noise_costs_numbers_alone},
    {"sums of tokens say of how many answers they are",
     sums_of_tokens_say_of_how_many_answers},
    {"the last outcome is what is left of the requests",
     the_last_outcome_is_what_is_left},
    {NULL, NULL},
};

CU_ErrorCode test_last_minute_add(void)
{
    return unit_add("last_minute", tests);
}
