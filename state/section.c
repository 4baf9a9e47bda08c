/*
 * section.c - how is the state looked at between turns?
 *
 * For a page, a board, a probe: it need not be anybody's turn, and a lock that
 * is taken means "again later".  So does a worker's own first turn that is still
 * to come: the first of all brings the rules, and a page without them tells of
 * no upstream at all.
 */
#include "state/section.h"

#include "lib/sigbus.h"
#include "state/attach.h"
#include "state/file/transaction.h"
#include "state/stats/stats_file.h"
#include "state/worker.h"

static bool run(struct limiter *lim, struct transaction *t, bool writes)
{
    const char *what = "";
    enum state_end end;

    if (lim->file.lay == NULL || lim->starting)
        return false;
    t->fd = lim->file.fd;
    t->lay = lim->file.lay;
    end = writes ? state_write(t, &what) : state_read(t, &what);
    if (end == STATE_DAMAGED)
        attach_lose(lim, what, true);
    else
        attach_look_at_stats(lim);
    return end == STATE_DONE;
}

bool section_read(struct limiter *lim, void (*fn)(void *), void *arg)
{
    struct transaction t = {.fn = fn, .arg = arg};

    return run(lim, &t, false);
}

bool section_write(struct limiter *lim, void (*fn)(void *), void *arg)
{
    struct transaction t = {.fn = fn, .arg = arg};

    return lim->seat != NONE && !lim->unsettled && run(lim, &t, true);
}

bool section_both(struct limiter *lim, void (*fn)(void *), void (*then)(void *),
                  void *arg)
{
    struct transaction t = {.fn = fn, .also = then, .arg = arg};

    return run(lim, &t, true);
}

/* ---- statistics -------------------------------------------------------------- */

struct also {
    struct limiter *lim;
    void (*fn)(void *);
    void *arg;
    int64_t wait_ns;
    bool done;
};

static void repair(void *arg)
{
    struct also *a = arg;

    stats_file_repair(a->lim->stats.lay, a->lim->now);
}

/* Needs the lock. */
static void run_also(void *arg)
{
    struct also *a = arg;
    struct limiter *lim = a->lim;

    if (!stats_file_claim(lim->stats.lay, lim->file.head.created_ns, lim->now))
        return;
    if (lim->stats.fresh)
        repair(a);
    lim->stats.fresh = false;
    a->fn(a->arg);
    a->done = true;
}

static void also(void *arg)
{
    struct also *a = arg;
    struct limiter *lim = a->lim;

    if (!state_also(&lim->stats.lay->live.flag, repair, run_also, a,
                    &lim->stats_damage))
        lim->stats_bad = true;
}

bool section_also(struct limiter *lim, void (*fn)(void *), void *arg)
{
    struct also a = {.lim = lim, .fn = fn, .arg = arg};

    also(&a);
    return a.done;
}

bool section_stats(struct limiter *lim, int64_t wait_ns, void (*fn)(void *),
                   void *arg)
{
    struct also a = {.lim = lim, .fn = fn, .arg = arg};
    struct transaction t = {.also = also, .arg = &a, .wait_ns = wait_ns};

    return run(lim, &t, false) && a.done;
}

bool section_glance(struct limiter *lim, void (*fn)(void *), void *arg)
{
    if (lim->file.lay == NULL)
        return false;
    if (sigbus_run(fn, arg, &lim->stats_damage) == GUARD_OK)
        return true;
    lim->stats_bad = true;
    attach_look_at_stats(lim);
    return false;
}
