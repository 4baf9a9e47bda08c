/* GET /api/history: what was, in steps. */
#ifndef SLUICE_HISTORY_PAGE_H
#define SLUICE_HISTORY_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/step.h"
#include "state/history.h"

struct exchange;

/* Whose deeds are told beside those of all. */
enum history_by { BY_NOBODY = 0, BY_UPSTREAM = 1, BY_MODEL = 2, BY_CLIENT = 3 };

/* What is asked. */
struct history_query {
    struct past_range range;
    enum history_by by;
    char name[LIMITER_NAME_MAX]; /* of one model or client; "": all */
};

/* Reads the query of TARGET, a path with or without one.  False: *WHAT, a
 * literal, says which parameter is wrong and what it may be. */
bool history_page_parse(const char *target, int64_t now_s,
                        struct history_query *out, const char **what);

/* Columns of one length, as JSON. */
enum step history_page_answer(struct exchange *x);

#endif
