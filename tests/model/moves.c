/*
 * moves.c - from one moment, all that may happen next.
 *
 * Whatever takes time (a call, its answer, a worker between grant and write)
 * happens in a move of its own, so it may come at once, or never: a partition,
 * a SIGSTOP, a slow way need no moves of their own.  What is a fault costs one
 * of world.may, so that there are finitely many.
 */
#include <stdio.h>

#include "tests/model/world.h"

void give(const struct next *n, const struct world *w, const char *form, int a,
          int b)
{
    char what[96];

    /* The forms are below, each with at most two numbers in it. */
    (void)snprintf(what, sizeof(what), "%s %d %d", form, a, b);
    n->take(w, what, n->arg);
}

/* ---- time ------------------------------------------------------------------------- */

static int8_t up_to(int v, int max)
{
    return (int8_t)(v > max ? max : v);
}

/* Which server answered matters where there is another one, or a new host. */
static bool needs_run(void)
{
    return setup->may[MAY_FAIL_OVER] || setup->may[MAY_CRASH];
}

static void host_ticks(struct world *w, int h, int ticks)
{
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->owner != h)
            continue;
        l->left = (int8_t)max_int(0, l->left - ticks);
        l->wait = (int8_t)max_int(0, l->wait - ticks);
        if (l->has == HAS_SENT)
            l->age = up_to(l->age + ticks, span());
    }
    for (int c = 0; c < CALLS; c++)
        if (w->call[c].is != IS_NOT && w->call[c].who == h)
            w->call[c].since = up_to(w->call[c].since + ticks, setup->ttl + 1);
    if (setup->alone)
        w->host[h].last = up_to(w->host[h].last + ticks, setup->silent + 1);
    if (needs_run())
        w->host[h].stood = up_to(w->host[h].stood + ticks, long_enough());
    w->host[h].wait = (int8_t)max_int(0, w->host[h].wait - ticks);
    if (w->host[h].mode == MODE_WAIT && w->host[h].wait == 0)
        w->host[h].mode = MODE_ALONE;
}

/* Where v is real time, nothing is put off until the next call. */
static void store_ticks(struct world *w, int k)
{
    struct store *s = &w->store[k];

    if (setup->silent)
        s->idle = up_to(s->idle + 1, setup->silent + 1);
    if (setup->clock)
        s->truth = up_to(s->truth + 1, long_ago());
    else
        store_pass(w, k, 1);
    if (s->stopped)
        s->off = up_to(s->off + 1, setup->detect);
    if (s->cut >= 0)
        s->cut = up_to(s->cut + 1, setup->lag + 1);
    if (s->up == UP_MASTER && s->back >= 0 && setup->alone)
        s->back = up_to(s->back + 1, setup->late + 2);
    if (s->awake > 0)
        s->awake--;
}

static void upstream_ticks(struct world *w)
{
    int n = 0;

    for (int i = 0; i < w->sends; i++) {
        w->send[n] = w->send[i];
        if (++w->send[n].age < setup->window)
            n++;
    }
    for (int i = n; i < w->sends; i++)
        w->send[i].age = w->send[i].who = 0;
    w->sends = (int8_t)n;
}

void move_tick(struct world *w, int odd, int odd_ticks)
{
    for (int h = 0; h < setup->hosts; h++)
        host_ticks(w, h, h == odd ? odd_ticks : 1);
    for (int k = 0; k < STORES; k++)
        store_ticks(w, k);
    upstream_ticks(w);
}

static void time_passes(const struct next *n, const struct world *was)
{
    struct world w = *was;

    move_tick(&w, -1, 1);
    give(n, &w, "tick", 0, 0);
    for (int h = 0; h < setup->hosts && was->may[MAY_DRIFT]; h++)
        for (int ticks = 0; ticks <= 2 * setup->margin; ticks += 2) {
            w = *was;
            w.may[MAY_DRIFT]--;
            move_tick(&w, h, ticks);
            give(n, &w, "tick; the clock of host, goes by", h, ticks);
        }
}

/* ---- calls ------------------------------------------------------------------------- */

/* Does a lease for H lie in the mail there already? */
static bool has_mail(const struct world *w, int k, int h)
{
    for (int i = 0; i < LEASES; i++)
        if (w->lease[i].owner == h && w->lease[i].at[k].is == IN_MAIL)
            return true;
    return false;
}

/* The host has its own; now perhaps another one, by mail. */
static void granted(const struct next *n, const struct world *was, int c,
                    int own)
{
    int k = was->call[c].to, who = was->call[c].who;

    for (int h = -1; h < setup->hosts; h++) {
        struct world w = *was;

        if (h == who ||
            (h >= 0 && (!setup->lapse || !w.store[k].of[h].is ||
                        has_mail(&w, k, h) || store_room(&w, k) == -1)))
            continue;
        if (h >= 0)
            store_mail(&w, k, h);
        /* Nobody reads the answer of a connection that is no more. */
        if (who == GONE || (c % 2 == 1 && mutant != OLD_ANSWER))
            call_forget(&w, c);
        if (h < 0)
            give(n, &w, "the store executes call, grants", c, own);
        else
            give(n, &w, "... and into the mail of; call", h, c);
    }
}

static void executed(const struct next *n, const struct world *was, int c)
{
    int most = store_most(was, was->call[c].to);

    for (int ticks = 0; ticks <= most; ticks++) {
        struct world w = *was;

        if (!store_execute(&w, c, ticks)) {
            call_forget(&w, c);
            give(n, &w, "the store finds stale call", c, 0);
            return;
        }
        granted(n, &w, c, 0);
        for (int own = 1; own <= 2 && store_room(&w, w.call[c].to) >= 0;
             own++) {
            store_grant(&w, c);
            granted(n, &w, c, own);
        }
    }
}

static void calls(const struct next *n, const struct world *was)
{
    for (int c = 0; c < CALLS; c++) {
        const struct call *call = &was->call[c];
        struct world w = *was;

        if (call->is == IS_ASKED && store_serves(was, call->to))
            executed(n, was, c);
        if (call->is != IS_ANSWERED)
            continue;
        host_answer(&w, c);
        give(n, &w, "the answer arrives of call", c, 0);
    }
}

/* ---- hosts ------------------------------------------------------------------------- */

static bool holds(const struct world *w, int h)
{
    for (int i = 0; i < LEASES; i++)
        if (w->lease[i].owner == h && w->lease[i].has == HAS_IT)
            return true;
    return false;
}

static void asks(const struct next *n, const struct world *was, int h)
{
    const struct host *host = &was->host[h];

    if (was->call[2 * h].is != IS_NOT || was->store[host->at].up == UP_NOT)
        return;
    if (host->mode != MODE_STORE && !host->fresh)
        return;
    for (int renew = 0; renew <= 1; renew++) {
        struct world w = *was;

        if (renew && (host->fresh || !holds(was, h)))
            continue;
        host_ask(&w, h, renew);
        give(n, &w, renew ? "asks and renews: host" : "asks: host", h, 0);
    }
}

static void connected(const struct next *n, const struct world *was, int h,
                      int k, bool lead, int fault)
{
    for (int drop = setup->lost; drop <= 1; drop++) {
        struct world w = *was;
        enum is is = (enum is)w.call[2 * h].is;
        bool drops =
            drop || (is == IS_ANSWERED && !(lead && mutant == OLD_ANSWER));

        if (drop > setup->lost && is != IS_ASKED)
            continue; /* all the same */
        if (fault >= 0)
            w.may[fault]--;
        host_connect(&w, h, k, drops, lead);
        give(n, &w,
             lead    ? "another leads, and connects: host, store"
             : drops ? "connects, its call is lost: host, store"
                     : "connects, its call is late: host, store",
             h, k);
    }
}

/* What does not serve is left for what does; else it takes a fault. */
static void connects(const struct next *n, const struct world *was, int h)
{
    const struct host *host = &was->host[h];

    for (int k = 0; k < STORES; k++) {
        bool other = k != host->at || run_of(was, k) != host->run;
        bool free = other || (host->mode != MODE_STORE && !host->fresh);

        if (!store_serves(was, k))
            continue;
        if (free)
            connected(n, was, h, k, false, -1);
        else if (was->may[MAY_CUT])
            connected(n, was, h, k, false, MAY_CUT);
        if (was->may[MAY_LEAD])
            connected(n, was, h, k, true, MAY_LEAD);
    }
}

static void alone(const struct next *n, const struct world *was, int h)
{
    struct world w = *was;

    if (was->store[0].up == UP_NOT && was->host[h].mode == MODE_STORE) {
        call_forget(&w, 2 * h);
        call_forget(&w, 2 * h + 1);
        w.host[h].mode = MODE_WAIT;
        w.host[h].fresh = 0;
        /* The others may count without it since then. */
        if (w.host[h].last > setup->silent)
            w.host[h].peers = 0;
        w.host[h].wait = (int8_t)(span() + setup->ttl);
        if (mutant == ALONE_AT_ONCE) {
            w.host[h].wait = 0;
            w.host[h].mode = MODE_ALONE;
        }
        give(n, &w, "notices that the store is gone: host", h, 0);
        w = *was;
    }
    if (host_may_send_alone(was, h)) {
        host_send_alone(&w, h);
        give(n, &w, "SENDS ALONE: host", h, 0);
    }
}

static void hosts(const struct next *n, const struct world *was)
{
    for (int h = 0; h < setup->hosts; h++) {
        struct world w = *was;

        asks(n, was, h);
        connects(n, was, h);
        if (setup->alone)
            alone(n, was, h);
        if (was->may[MAY_CRASH]) {
            w.may[MAY_CRASH]--;
            host_crash(&w, h);
            give(n, &w, "crashes: host", h, 0);
        }
    }
}

static void leases(const struct next *n, const struct world *was)
{
    for (int i = 0; i < LEASES; i++) {
        const struct lease *l = &was->lease[i];
        struct world w = *was;

        if (host_may_write(was, l)) {
            host_write(&w, &w.lease[i]);
            give(n, &w, "WRITES: host, lease", l->owner, i);
            w = *was;
        }
        if (l->has == HAS_IT) {
            w.lease[i].has = HAS_BACK;
            if (mutant != CHECK_TIME_ALONE)
                w.lease[i].left = 0;
            give(n, &w, "gives back: host, lease", l->owner, i);
            w = *was;
        }
        if (l->has == HAS_IT && l->left > 0 && mutant == CHECK_APART) {
            w.lease[i].has = HAS_CHECKED;
            give(n, &w, "checks: host, lease", l->owner, i);
        }
    }
}

/* ---- all ------------------------------------------------------------------------------ */

void moves(const struct world *w, moves_take *take, void *arg)
{
    struct next n = {take, arg};

    calls(&n, w);
    hosts(&n, w);
    leases(&n, w);
    moves_of_stores(&n, w);
    time_passes(&n, w);
}

/* Long after the last fault: the store knows its own run, and nothing is full. */
void move_start(struct world *w)
{
    for (int i = 0; i < FAULTS; i++)
        w->may[i] = (int8_t)setup->may[i];
    for (int k = 0; k < STORES; k++) {
        store_wipe(w, k);
        w->store[k].cut = -1;
    }
    w->store[0].up = UP_MASTER;
    w->store[0].who = 0;
    w->store[0].lives = 1;
    if (setup->may[MAY_FAIL_OVER])
        w->store[1].up = UP_REPLICA;
    for (int h = 0; h < setup->hosts; h++) {
        w->host[h].fresh = 1;
        w->host[h].stood = (int8_t)long_enough();
    }
}
