/* GET /api/history: what was, in steps. */
#ifndef SLUICE_HISTORY_PAGE_H
#define SLUICE_HISTORY_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/step.h"
#include "lib/buf.h"
#include "state/history.h"

struct exchange;

/* Reads the query of TARGET, a path with or without one.  False: *WHAT, a
 * literal, says which parameter is wrong and what it may be. */
bool history_page_parse(const char *target, int64_t now_s,
                        struct past_range *out, const char **what);
/* The answer, as JSON: columns of one length. */
void history_page_put(struct buf *b, const struct limiter_past *p);

/* */
enum step history_page_answer(struct exchange *x);

#endif
