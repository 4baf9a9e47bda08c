/*
 * sizes.c - how large is a request?
 *
 * Prompts of 50 to 2,000 tokens and answers of 10 to 1,500: small ones are as
 * frequent as large ones, by their order of magnitude.  How long an answer takes has
 * nothing to do with its size, so that what is reserved for a short one may be
 * held for long.  One in ten is aborted at half of it.
 */
#include "sizes.h"

#include <math.h>

#include "dice.h"
#include "lib/base.h"

#define IN_MIN  50
#define IN_MAX  2000
#define OUT_MIN 10

#define ANSWER_MIN_NS NS_PER_S
#define ANSWER_MAX_NS (20 * NS_PER_S)

#define ABORTED_PERMILLE 100

/* From 0 to 1. */
static double part(uint64_t *dice)
{
    return (double)dice_below(dice, 1000001) / 1000000;
}

static uint32_t between(uint64_t *dice, double least, double most)
{
    return (uint32_t)(least * pow(most / least, part(dice)));
}

static uint32_t bound(uint64_t *dice, uint32_t out, enum bound_given given)
{
    uint32_t near = (uint32_t)(out * (1 + part(dice)));

    if (given == BOUND_NONE)
        return 0;
    if (given == BOUND_FAR || near > SIZES_OUT_MAX)
        return SIZES_OUT_MAX;
    return near;
}

struct size size_of(uint64_t seed, uint32_t job, uint32_t nth,
                    enum bound_given given)
{
    uint64_t dice = dice_mix(dice_mix(seed) ^ ((uint64_t)job << 32 | nth));
    struct size s;

    s.in = between(&dice, IN_MIN, IN_MAX);
    s.out = between(&dice, OUT_MIN, SIZES_OUT_MAX);
    s.prompt_bytes = (uint32_t)(s.in * (3 + 2 * part(&dice)));
    s.max_tokens = bound(&dice, s.out, given);
    s.answer_ns =
        ANSWER_MIN_NS + dice_below(&dice, ANSWER_MAX_NS - ANSWER_MIN_NS);
    s.is_aborted = dice_below(&dice, 1000) < ABORTED_PERMILLE;
    if (s.is_aborted) {
        s.out /= 2;
        s.answer_ns /= 2;
    }
    return s;
}
