/*
 * standing.c - what has one client used, and what is it waiting for?
 *
 *   fcgi/pages/me.c --> limiter_standing()
 *
 * Looks at one row for a moment (section.c), and changes nothing.
 */
#include "state/standing.h"

#include <string.h>

#include "state/policy/layout.h"
#include "state/policy/names.h"
#include "state/policy/quota.h"
#include "state/section.h"
#include "state/worker.h"

struct question {
    struct limiter *lim;
    const char *name;
    const struct limiter_own_limits *own;
    int64_t now;
    struct limiter_standing *out;
};

static struct limiter_used used(const struct quota_used *u, uint64_t limit,
                                int64_t now)
{
    return (struct limiter_used){u->used, limit > u->used ? limit - u->used : 0,
                                 u->at - now};
}

/* Needs the lock. */
static void look(void *arg)
{
    struct question *q = arg;
    struct layout *lay = q->lim->file.lay;
    uint32_t i = names_find_client(lay, q->name);
    const struct limiter_own_limits *own = q->own;
    const struct quota_word word = {own->requests_per_min, own->tokens_per_min,
                                    own->tokens_per_day, 0, 0};
    const struct lay_name *row;
    struct quota_told told;

    if (i == NONE)
        return;
    row = LAY_AT(lay, clients, i, LAY_CLIENTS);
    q->now = max_i64(q->now, lay->live.now_ns);
    quota_tell(lay, i, &word, q->now, &told);
    q->out->requests = used(&told.requests, own->requests_per_min, q->now);
    q->out->tokens = used(&told.tokens, own->tokens_per_min, q->now);
    q->out->day = used(&told.day, own->tokens_per_day, q->now);
    q->out->waiting = row->lined;
    q->out->in_flight = row->refs > row->lined ? row->refs - row->lined : 0;
}

bool limiter_standing(struct limiter *lim, const char *name,
                      const struct limiter_own_limits *own, int64_t now,
                      struct limiter_standing *out)
{
    struct question q = {lim, name, own, now, out};

    memset(out, 0, sizeof(*out));
    out->requests.left = own->requests_per_min;
    out->tokens.left = own->tokens_per_min;
    out->day.left = own->tokens_per_day;
    return section_read(lim, look, &q);
}
