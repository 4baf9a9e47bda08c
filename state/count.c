/*
 * count.c - how does what was done come into the statistics?
 *
 * In a section of its own, under the same lock, when the state is whole: so
 * damage to the statistics, or a kill while they are written, is none to the
 * state.  A kill between the two leaves them one turn short; a loss of the state
 * file costs them nothing.
 */
#include "state/count.h"

#include <string.h>

#include "lib/boottime.h"
#include "state/completions.h"
#include "state/section.h"
#include "state/stats/counters.h"
#include "state/stats/figures.h"
#include "state/worker.h"

#define AHEAD_NS (20 * NS_PER_MS) /* a clock that is set is seen so soon */

struct applying {
    struct limiter *lim;
    void (*more)(struct limiter *lim);
};

/* What is counted is struck out at once: a section that is cut short neither
 * forgets it nor counts it twice. */
static void apply_sends(struct journal *j, struct stats_layout *st, int64_t now)
{
    if (j->did.sent > 0)
        rings_sent(&st->history, (uint32_t)j->did.sent);
    counters_add(&st->counters, &j->did);
    while (j->n_sends > 0) {
        const struct sent_by *s = &j->sends[--j->n_sends];
        const struct figures_of who = {s->client, s->model, s->owner,
                                       s->client_name, s->model_name};

        counters_sent(st, &who, now);
        counters_went(st, s->upstream, s->upstream_name, now);
    }
}

static void apply_lost(struct limiter *lim, struct stats_layout *st)
{
    struct workers_lost *lost = &lim->journal.lost;
    uint32_t i;

    for (i = 0; i < lost->n; i++)
        counters_lost(st, &lost->rows[i], lim->now);
    lost->n = 0;
    if (!lost->any_left)
        return;
    for (i = 0; i < LAY_WORKERS; i++)
        if ((lost->left[i / 64] >> i % 64 & 1) != 0) {
            board_leave(&st->board, i);
            rings_leave(&st->history, i);
        }
    memset(lost->left, 0, sizeof(lost->left));
    lost->any_left = false;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A moment keeps the most there was.  Most turns have no more to tell than
 * those before them in the same second. */
static void apply_gauge(struct journal *j, struct stats_layout *st)
{
    struct rings_gauge *had = &j->gauged;
    const struct rings_gauge g = j->gauge;

    if (!j->has_gauge)
        return;
    j->has_gauge = false;
    if (j->gauged_s != st->history.now_s ||
        j->gauged_in != st->head.created_ns) {
        j->gauged_s = st->history.now_s;
        j->gauged_in = st->head.created_ns;
        *had = (struct rings_gauge){0, 0, 0, 0};
    } else if (g.waiting <= had->waiting && g.in_flight <= had->in_flight &&
               g.window_used <= had->window_used &&
               g.window_limit <= had->window_limit) {
        return;
    }
    had->waiting = most(g.waiting, had->waiting);
    had->in_flight = most(g.in_flight, had->in_flight);
    had->window_used = most(g.window_used, had->window_used);
    had->window_limit = most(g.window_limit, had->window_limit);
    rings_gauge(&st->history, &g);
}

/* The wall clock at NOW.  How far it is ahead of ours is looked at now and then:
 * two clocks cost as much as a tenth of a turn. */
static int64_t wall_s(struct journal *j, int64_t now)
{
    if (now < j->ahead_at_ns || now >= j->ahead_at_ns + AHEAD_NS) {
        j->ahead_ns = wall_ns() - boottime_ns();
        j->ahead_at_ns = now;
    }
    return (now + j->ahead_ns) / NS_PER_S;
}

static void apply(void *arg)
{
    struct applying *a = arg;
    struct limiter *lim = a->lim;
    struct stats_layout *st = lim->stats.lay;

    rings_turn(&st->history, wall_s(&lim->journal, lim->now), lim->now);
    apply_sends(&lim->journal, st, lim->now);
    apply_lost(lim, st);
    completions_apply(lim, st);
    apply_gauge(&lim->journal, st);
    if (lim->seat != NONE && st->board.viewers[lim->seat] != lim->viewers)
        st->board.viewers[lim->seat] = lim->viewers;
    if (a->more != NULL)
        a->more(lim);
    lim->first_s = st->history.first_s;
    lim->recoveries = st->counters.recoveries;
}

void count_journal(struct limiter *lim, void (*more)(struct limiter *lim))
{
    struct applying a = {lim, more};

    (void)section_also(lim, apply, &a);
}
