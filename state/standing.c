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
    uint32_t per_min;
    int64_t now;
    struct limiter_standing *out;
};

/* Needs the lock. */
static void look(void *arg)
{
    struct question *q = arg;
    struct layout *lay = q->lim->file.lay;
    uint32_t i = names_find_client(lay, q->name);
    const struct lay_name *row;
    int64_t at;

    if (i == NONE)
        return;
    row = LAY_AT(lay, clients, i, LAY_CLIENTS);
    q->now = max_i64(q->now, lay->live.now_ns);
    q->out->used = quota_tell(lay, i, q->per_min, q->now, &at);
    q->out->opens_ns = at - q->now;
    q->out->waiting = row->lined;
    q->out->in_flight = row->refs > row->lined ? row->refs - row->lined : 0;
}

bool limiter_standing(struct limiter *lim, const char *name, uint32_t per_min,
                      int64_t now, struct limiter_standing *out)
{
    struct question q = {lim, name, per_min, now, out};

    memset(out, 0, sizeof(*out));
    return section_read(lim, look, &q);
}
