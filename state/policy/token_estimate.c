/*
 * token_estimate.c - how many tokens will a request take?
 *
 * A prompt's tokens follow from its bytes, an answer's from those before it.
 * What is reserved while a request is under way should hold for nearly all: the
 * prompt by what 49 of 50 do not exceed, and an eighth, the answer by what 19 of
 * 20 do not: what one takes too much, those beside it take too little, and what is
 * reserved in vain stands idle until the answer tells.  A bound that the client set
 * is taken as it is.
 *
 * An upper part of values is followed without keeping them (stochastic
 * approximation): a step up for each that is above it, a smaller one down for each
 * that is not, so that they cancel out where the part is right.  The first ones
 * have no such history: the largest of N is what N in N + 1 do not exceed.
 */
#include "state/policy/token_estimate.h"

#include <stddef.h>

#include "lib/base.h"

#define UNIT       1024
#define TOKENS_MAX (INT64_C(1) << 31) /* of one request */
#define VALUE_MAX  ((uint64_t)TOKENS_MAX * UNIT)

/* Around a prompt: the roles, the template of a chat. */
#define AROUND 16

/* Before anything is learned: two bytes a token hold for prose in any script,
 * and for code; English has 4, Chinese 3.  Only noise has fewer, and no prompt
 * less than one. */
#define FIRST_IN  (UNIT / 2)
#define FIRST_OUT 1024

/* As few bytes teach more of what is around them. */
#define BYTES_MIN 64

#define STEP       16 /* a sixteenth at most */
#define STREAK_MAX 4  /* doublings of it */
#define KNOWN      9  /* so many make the first value of a part */

#define IN_PART  50 /* all but one in so many */
#define OUT_PART 20

/* What is guessed better than by so much is no other tokenizer, but something that
 * was not seen. */
#define FACTOR_MAX 8
/* So few tokens are mostly what a template adds. */
#define COMPARED_MIN 32
/* The sums are halved beyond this, and no prompt is more than an eighth of it. */
#define RATIO_SUM  (UINT64_C(1) << 19)
#define RATIO_PART (RATIO_SUM / 8)
/* As if so many had been guessed well. */
#define RATIO_FIRST 256

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- the upper part of values -------------------------------------------------- */

static void step_up(struct upper_part *u, uint64_t x, uint32_t part)
{
    uint32_t doubled = u->streak < STREAK_MAX ? u->streak : STREAK_MAX;
    uint64_t step = (u->value + UNIT) / STEP * (part - 1) / part;
    uint64_t far = u->value + (step << doubled);

    u->streak++;
    /* The first steps may lead past it, a doubled one not. */
    u->value = doubled == 0 ? far : min_u64(far, x > far ? far : x + step);
}

static void step_down(struct upper_part *u, uint32_t part)
{
    u->streak = 0;
    u->value -= u->value / STEP / part;
}

/* X, in 1,024ths, was seen; all but one in PART are wanted below the value. */
static void learn(struct upper_part *u, uint64_t x, uint32_t part)
{
    if (u->n < part - 1) { /* the largest so far */
        u->n++;
        u->value = u->value > x ? u->value : x;
    } else if (x > u->value) {
        step_up(u, x, part);
    } else {
        step_down(u, part);
    }
    u->value = min_u64(u->value, VALUE_MAX);
}

static bool is_sane(const struct upper_part *u)
{
    return u->value <= VALUE_MAX && u->n < IN_PART;
}

bool token_estimate_is_sane(const struct token_estimate *e)
{
    const struct token_ratio *r = &e->ratio;

    return is_sane(&e->in) && is_sane(&e->out) && r->guessed <= RATIO_SUM &&
           r->told <= RATIO_SUM * FACTOR_MAX;
}

/* ---- tokens ----------------------------------------------------------------------- */

/* For each 1,024 bytes.  At first the larger of what was seen and of what is said
 * of all. */
static uint64_t tokens_of_bytes(const struct token_estimate *e)
{
    uint64_t learned = (e->in.value + e->in.value / 8) / UNIT;

    if (e->in.n < KNOWN && learned < FIRST_IN)
        return FIRST_IN;
    return learned < UNIT ? learned : UNIT;
}

static uint32_t in_of(uint64_t bytes, uint64_t each)
{
    if (bytes == 0)
        return 0;
    if (bytes > (uint64_t)TOKENS_MAX)
        return (uint32_t)TOKENS_MAX;
    return (uint32_t)min_u64(AROUND + (bytes * each + UNIT - 1) / UNIT,
                             (uint64_t)TOKENS_MAX);
}

static uint32_t out_of(const struct token_estimate *e)
{
    uint64_t learned = (e->out.value + UNIT - 1) / UNIT;

    if (e->out.n < KNOWN && learned < FIRST_OUT)
        return FIRST_OUT;
    return (uint32_t)learned;
}

struct token_guess token_estimate_guess(const struct token_estimate *e,
                                        uint64_t prompt_bytes,
                                        uint32_t max_tokens)
{
    struct token_guess g = {0, 0, 0, 0};

    if (prompt_bytes == 0 && max_tokens == 0)
        return g;
    g.in = in_of(prompt_bytes, tokens_of_bytes(e));
    g.out =
        max_tokens > 0 ? (uint32_t)min_u64(max_tokens, TOKENS_MAX) : out_of(e);
    /* Nobody is sent away for an answer that may be short, nor for a prompt that
     * may take half of what is learned, or 8 bytes a token. */
    g.surely_in = g.in / (e->in.n < KNOWN ? 4 : 2);
    g.surely_out = max_tokens > 0 ? g.out : 0;
    return g;
}

void token_estimate_learn(struct token_estimate *e, uint64_t prompt_bytes,
                          int64_t in, int64_t out)
{
    in = min_i64(in, TOKENS_MAX);
    if (in > AROUND && prompt_bytes >= BYTES_MIN &&
        prompt_bytes <= (uint64_t)TOKENS_MAX)
        learn(&e->in, (uint64_t)(in - AROUND) * UNIT * UNIT / prompt_bytes,
              IN_PART);
    if (out >= 0)
        learn(&e->out, (uint64_t)min_i64(out, TOKENS_MAX) * UNIT, OUT_PART);
}

/* ---- the ratio to what is guessed by a prompt's text ------------------------------ */

void token_estimate_compare(struct token_estimate *e, uint64_t guessed,
                            int64_t in)
{
    struct token_ratio *r = &e->ratio;
    uint64_t told = in > 0 ? (uint64_t)min_i64(in, TOKENS_MAX) : 0;

    guessed = min_u64(guessed, (uint64_t)TOKENS_MAX);
    if (guessed < COMPARED_MIN || told > guessed * FACTOR_MAX ||
        guessed > told * FACTOR_MAX)
        return;
    if (guessed > RATIO_PART) {
        told = told * RATIO_PART / guessed;
        guessed = RATIO_PART;
    }
    if (r->guessed + guessed > RATIO_SUM) {
        r->guessed /= 2;
        r->told /= 2;
    }
    r->guessed += guessed;
    r->told += told;
}

uint32_t token_estimate_ratio_m(const struct token_estimate *e)
{
    const struct token_ratio *r = &e->ratio;

    if (r->guessed == 0)
        return 0;
    return (uint32_t)((r->told + RATIO_FIRST) * 1000 /
                      (r->guessed + RATIO_FIRST));
}
