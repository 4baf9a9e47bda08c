/*
 * How many tokens will a request take, as long as its answer does not say?
 *
 * Arithmetic on what was learned of one model; nothing is known of files.
 */
#ifndef SLUICE_TOKEN_ESTIMATE_H
#define SLUICE_TOKEN_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

/* What a given part of all values does not exceed, about. */
struct upper_part {
    uint64_t value;  /* in 1,024ths; 0 and N 0: nothing is known */
    uint32_t n;      /* values that were seen, as far as that matters */
    uint32_t streak; /* the last ones, all above it */
};

/* What prompts took, and what was guessed of their texts: sums, in which what is
 * long ago counts less. */
struct token_ratio {
    uint64_t told, guessed;
};

/* Of one model.  All zero: nothing is learned. */
struct token_estimate {
    struct upper_part in;  /* tokens for each 1,024 bytes of a prompt */
    struct upper_part out; /* tokens of an answer */
    struct token_ratio ratio;
};

/* What is reserved, and what it takes at least, as far as one can be sure. */
struct token_guess {
    uint32_t in, out;
    uint32_t surely_in, surely_out;
};

bool token_estimate_is_sane(const struct token_estimate *e);

/* A prompt of PROMPT_BYTES (0: there is none) and an answer of MAX_TOKENS (0: its
 * client set no bound).  Without either it takes nothing. */
struct token_guess token_estimate_guess(const struct token_estimate *e,
                                        uint64_t prompt_bytes,
                                        uint32_t max_tokens);

/* An answer's own words: IN for such a prompt, OUT; -1: it does not say. */
void token_estimate_learn(struct token_estimate *e, uint64_t prompt_bytes,
                          int64_t in, int64_t out);

/* The same of a prompt whose texts were guessed to have GUESSED tokens, and that
 * took IN. */
void token_estimate_compare(struct token_estimate *e, uint64_t guessed,
                            int64_t in);
/* Tokens for each thousand that are guessed so; 0: nothing is known. */
uint32_t token_estimate_ratio_m(const struct token_estimate *e);

#endif
