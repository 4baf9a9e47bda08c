/*
 * faults.c - what may happen to stores: failover, a stop, FLUSHALL, a loss for all.
 *
 * What is on its way to one that does not serve waits there, and is executed when
 * it serves again; or it is late, or lost (moves.c).
 */
#include "tests/model/world.h"

/* The other one becomes the master, with whatever it got from the first. */
void move_promote(struct world *w)
{
    int old = w->store[0].up == UP_MASTER && w->store[0].cut == -1 ? 0 : 1;
    struct store *s = &w->store[old], *t = &w->store[1 - old];

    t->up = UP_MASTER;
    t->life++;
    t->cut = -1;
    t->stopped = t->off = 0;
    s->cut = 0;
    switch ((enum failover)setup->failover) {
    case FAILOVER_DEAD:
        store_wipe(w, old);
        s->up = UP_NOT;
        break;
    case FAILOVER_RETURN:
        s->up = UP_REPLICA;
        break;
    case FAILOVER_SPLIT:
    case FAILOVER_STOPPED:
        break;
    }
}

static void copy(struct world *w)
{
    struct store *s = &w->store[1], own = *s;

    *s = w->store[0];
    s->up = own.up;
    s->life = own.life;
    s->stopped = s->off = 0;
    for (int i = 0; i < LEASES; i++)
        w->lease[i].at[1] = w->lease[i].at[0];
}

static bool may_promote(const struct world *w)
{
    const struct store *s = &w->store[0], *t = &w->store[1];
    const struct store *master = s->up == UP_MASTER && s->cut == -1 ? s : t;

    if (s->up != UP_REPLICA && t->up != UP_REPLICA)
        return false;
    if (setup->failover < FAILOVER_STOPPED)
        return true;
    return master->stopped && master->off >= setup->detect;
}

static void stopped(const struct next *n, const struct world *was, int k)
{
    const struct store *s = &was->store[k];
    struct world w = *was;

    if (!s->stopped && s->up == UP_MASTER && s->cut == -1 &&
        was->may[MAY_STOP]) {
        w.may[MAY_STOP]--;
        w.store[k].stopped = 1;
        give(n, &w, "is stopped: store", k, 0);
    }
    if (s->stopped) {
        w.store[k].stopped = w.store[k].off = 0;
        w.store[k].awake = s->cut >= 0 && s->up == UP_MASTER;
        give(n, &w, "wakes: store", k, 0);
    }
}

static void failing_over(const struct next *n, const struct world *was)
{
    struct world w = *was;

    if (was->may[MAY_COPY] && was->store[1].up == UP_REPLICA) {
        w.may[MAY_COPY]--;
        copy(&w);
        give(n, &w, "the replica has all until now", 0, 0);
        w = *was;
    }
    if (was->may[MAY_FAIL_OVER] && may_promote(was)) {
        w.may[MAY_FAIL_OVER]--;
        move_promote(&w);
        give(n, &w, "fails over", 0, 0);
    }
    for (int k = 0; k < STORES; k++)
        stopped(n, was, k);
}

void moves_of_stores(const struct next *n, const struct world *was)
{
    struct world w = *was;

    failing_over(n, was);
    if (was->may[MAY_FLUSH]) {
        w.may[MAY_FLUSH]--;
        store_wipe(&w, 0);
        give(n, &w, "FLUSHALL", 0, 0);
        w = *was;
    }
    if (was->may[MAY_BREAK] && was->store[0].up == UP_MASTER) {
        w.may[MAY_BREAK]--;
        w.store[0].up = UP_NOT;
        w.store[0].back = 0;
        give(n, &w, "is gone for all: store", 0, 0);
        w = *was;
    }
    if (setup->alone && was->store[0].up == UP_NOT) {
        w.store[0].up = UP_MASTER;
        w.store[0].back = 0;
        give(n, &w, "is there again: store", 0, 0);
    }
}
