/*
 * outcomes.c - what are the kinds of ends called outside?
 */
#include "state/stats/outcomes.h"

#include <assert.h>

const char *const outcome_names[] = {OUTCOME_LIST(LIST_NAME)};
const char *const upstream_error_names[] = {UPSTREAM_ERROR_LIST(LIST_NAME)};
const char *const reason_names[] = {REASON_LIST(LIST_NAME)};
const char *const phase_names[] = {PHASE_LIST(LIST_NAME)};

/* The files keep them as numbers, and tables of that length. */
static_assert(ARRAY_LEN(outcome_names) == 11, "bump STATS_VERSION");
static_assert(ARRAY_LEN(upstream_error_names) == 15, "bump STATS_VERSION");
static_assert(ARRAY_LEN(reason_names) == 19, "bump STATS_VERSION");
static_assert(ARRAY_LEN(phase_names) == 5, "bump STATS_VERSION");
