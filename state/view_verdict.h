/*
 * How does it stand, in a word, and what can be done?
 */
#ifndef SLUICE_VIEW_VERDICT_H
#define SLUICE_VIEW_VERDICT_H

#include <stdint.h>

#include "state/verdict_form.h"
#include "state/view_form.h"

/* Of V, at TIME_MS since 1970. */
void view_verdict(const struct limiter_view *v, int64_t time_ms,
                  struct view_verdict *out);

/* For tests and documents: the I-th word there is, NULL behind the last. */
const char *view_verdict_word(uint32_t i);

#endif
