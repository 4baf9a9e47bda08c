/*
 * vocabulary.c - what are the limiter's words called outside?
 */
#include "state/policy/vocabulary.h"

#include <assert.h>

const char *const limiter_class_names[] = {LIMITER_CLASS_LIST(LIST_NAME)};
const char *const limiter_refusal_names[] = {LIMITER_REFUSAL_LIST(LIST_NAME)};
const char *const limiter_answer_names[] = {LIMITER_ANSWER_LIST(LIST_NAME)};
const char *const retreat_state_names[] = {RETREAT_STATE_LIST(LIST_NAME)};
const char *const learned_names[] = {LEARNED_LIST(LIST_NAME)};
const char *const hold_cause_names[] = {HOLD_CAUSE_LIST(LIST_NAME)};
const char *const ejection_cause_names[] = {EJECTION_CAUSE_LIST(LIST_NAME)};

/* The files keep them as numbers, and tables of that length. */
static_assert(ARRAY_LEN(limiter_class_names) == 3, "bump LAYOUT_VERSION");
static_assert(ARRAY_LEN(limiter_refusal_names) == 10, "bump STATS_VERSION");
static_assert(ARRAY_LEN(limiter_answer_names) == 7, "bump STATS_VERSION");
static_assert(ARRAY_LEN(retreat_state_names) == 4, "bump LAYOUT_VERSION");
static_assert(ARRAY_LEN(learned_names) == 4, "bump LAYOUT_VERSION");
static_assert(ARRAY_LEN(hold_cause_names) == 4, "bump STATS_VERSION");
static_assert(ARRAY_LEN(ejection_cause_names) == 11, "bump LAYOUT_VERSION");
