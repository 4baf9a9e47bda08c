/* GET /api/history: what was, in steps. */
#ifndef SLUICE_HISTORY_PAGE_H
#define SLUICE_HISTORY_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/step.h"
#include "lib/buf.h"
#include "state/history.h"

struct exchange;

/* What is asked. */
struct history_query {
    struct past_range range;
    bool by_upstream; /* and where they went */
};

/* Reads the query of TARGET, a path with or without one.  False: *WHAT, a
 * literal, says which parameter is wrong and what it may be. */
bool history_page_parse(const char *target, int64_t now_s,
                        struct history_query *out, const char **what);
/* The answer, as JSON: columns of one length.  TRAILS: with those of each
 * upstream; or NULL. */
void history_page_put(struct buf *b, const struct limiter_past *p,
                      const struct past_trails *trails);

/* */
enum step history_page_answer(struct exchange *x);

#endif
