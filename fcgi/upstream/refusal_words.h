/*
 * What do the words of a refusal say: does it help to wait, and whom?
 */
#ifndef SLUICE_REFUSAL_WORDS_H
#define SLUICE_REFUSAL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/upstream/upstream_error.h"

/* The account is to pay first: by the error's code or type, for other words
 * than those are also said of limits that pass. */
bool refusal_words_of_billing(const struct upstream_error_words *w);

/* This one request is larger than all of its limit: it can never pass, while
 * others can. */
bool refusal_words_of_size(const struct upstream_error_words *w);

/* This one request wants more than the account can pay, others may not. */
bool refusal_words_of_price(const struct upstream_error_words *w);

/* "... limit reached (16/16)": how many at once are borne there, 1..10,000; 0: it
 * does not say. */
uint32_t refusal_words_at_once(const struct upstream_error_words *w);

/* There is too much to do there, whoever asks. */
bool refusal_words_of_load(const struct upstream_error_words *w);

#endif
