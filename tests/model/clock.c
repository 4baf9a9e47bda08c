/*
 * clock.c - may v ever run ahead of what happened?
 *
 * turn.lua notes what happens by up and judges what is over by v.  Everything
 * else of the protocol needs one sentence of the two: from any call E on, v goes
 * beyond up as it was at E by no more than has really passed since.  So of all
 * that was noted only the least is kept: how far v may go now (truth).  That is
 * all there is in this game; leases and windows are in the other one, whose v is
 * any clock of which the sentence is true.
 *
 * And a store that nobody called for longer than quiet, and the longest call, has
 * to notice that: it may have been stopped while a replica took over.
 *
 * All times are beside v, or ago, in ticks, so that they stay small.
 */
#include "tests/model/clock_world.h"

#include <stdio.h>
#include <string.h>

const struct clock_setup *clock_setup;
enum clock_mutant clock_mutant;

/* ---- what may happen ------------------------------------------------------------- */

struct next {
    game_take *take;
    void *arg;
};

/* What does not matter is zero. */
static void give(const struct next *n, struct clocks w, bool broken,
                 const char *what, int a, int b)
{
    char text[96];

    for (int h = 0; h < HOSTS; h++) {
        struct host *host = &w.host[h];

        if (!host->behind_is)
            host->behind = 0;
        if (host->reset || !host->known)
            host->behind = host->behind_is = host->ago = host->young =
                host->stepped = host->watched = 0;
        if (!host->known || (host->reset && !clock_setup->quiet))
            host->o = 0;
        if (!host->known)
            host->reset = 0;
    }
    if (w.store.steps == 0 || w.store.steps == clock_setup->steps)
        w.store.calm = 0;
    (void)snprintf(text, sizeof(text), "%s %d %d", what, a, b);
    n->take((const uint8_t *)&w, sizeof(w),
            broken ? FOUND_EXCESS : FOUND_NOTHING, text, n->arg);
}

static void forget(struct call *c)
{
    *c = (struct call){.since = NO_CALL};
}

static bool may_tick(const struct clocks *w)
{
    return w->store.idle < clock_setup->idle &&
           w->store.truth < clock_setup->lag;
}

static void grow(struct call *c, int max)
{
    if (c->since != NO_CALL && ++c->since > max)
        forget(c);
}

/* A call that takes longer is given up, and may still come. */
static void host_ticks(struct host *h)
{
    if (h->now.since == clock_setup->most) {
        if (!h->now.done && clock_setup->late)
            h->late = h->now;
        forget(&h->now);
        h->rtt = UNKNOWN;
    }
    grow(&h->now, INT8_MAX);
    grow(&h->late, clock_setup->late);
    if (h->known) {
        h->ago = (int8_t)least(h->ago + 1,
                               clock_setup->most + clock_setup->late + 1);
        h->o++;
        h->behind++;
    }
}

static void tick(const struct next *n, const struct clocks *was)
{
    struct clocks w = *was;

    if (!may_tick(was))
        return;
    for (int h = 0; h < clock_setup->hosts; h++)
        host_ticks(&w.host[h]);
    w.store.time++;
    w.store.truth++;
    w.store.idle++;
    give(n, w, false, "tick", 0, 0);
}

static void of_host(const struct next *n, const struct clocks *was, int h)
{
    const struct host *host = &was->host[h];
    struct clocks w = *was;
    struct host *to = &w.host[h];

    if (host->now.since == NO_CALL) {
        to->now = (struct call){.rtt = host->rtt};
        to->rtt = UNKNOWN;
        give(n, w, false, "asks: host", h, 0);
    } else if (host->now.done) {
        to->rtt = host->now.since;
        forget(&to->now);
        give(n, w, false, "has its answer: host, after", h, to->rtt);
    } else {
        bool broken = clock_execute(&w, h, &to->now);

        to->now.done = 1;
        w.store.calm = (int8_t)(w.store.calm | 1 << h);
        forget(&to->late); /* stale, if it comes later */
        give(n, w, broken, "the store executes: host, asked so long ago", h,
             host->now.since);
    }
    w = *was;
    if (host->late.since != NO_CALL) {
        bool broken = clock_execute(&w, h, &to->late);

        forget(&to->late);
        give(n, w, broken, "the store executes, late: host, asked so long ago",
             h, host->late.since);
    }
    w = *was;
    if (was->store.news > 0 && host->known) {
        w.store.news--;
        memset(to, 0, sizeof(*to));
        forget(&to->now);
        forget(&to->late);
        to->rtt = UNKNOWN;
        give(n, w, false, "is another one: host", h, 0);
    }
}

/* TIME steps again when all who are there have called since. */
static bool is_calm(const struct clocks *w)
{
    bool all = true;

    for (int h = 0; h < clock_setup->hosts; h++)
        all = all && (!w->host[h].known || w->store.calm >> h & 1);
    return all || w->store.steps == clock_setup->steps;
}

static void next(const uint8_t *form, uint32_t size, game_take *take, void *arg)
{
    struct next n = {take, arg};
    struct clocks was, w;

    memcpy(&was, form, size);
    for (int h = 0; h < clock_setup->hosts; h++)
        of_host(&n, &was, h);
    for (int by = -clock_setup->by; by <= clock_setup->by; by++) {
        if (was.store.steps == 0 || by == 0 || !is_calm(&was))
            continue;
        w = was;
        w.store.calm = 0;
        w.store.still = clock_setup->quiet > 0;
        w.store.steps--;
        w.store.time = (int8_t)(w.store.time + by);
        give(&n, w, false, "TIME steps by", by, 0);
    }
    tick(&n, &was);
}

static uint32_t first(uint8_t *form)
{
    struct clocks w = {0};

    for (int h = 0; h < HOSTS; h++) {
        forget(&w.host[h].now);
        forget(&w.host[h].late);
        w.host[h].rtt = UNKNOWN;
    }
    w.store.ex = INT8_MAX;
    w.store.steps = (int8_t)clock_setup->steps;
    w.store.news = (int8_t)clock_setup->news;
    memcpy(form, &w, sizeof(w));
    return sizeof(w);
}

static void print(const uint8_t *form, uint32_t size)
{
    struct clocks w;

    memcpy(&w, form, size);
    printf("      up %d, TIME %d, v may go %d\n", w.store.up, w.store.time,
           w.store.truth);
    for (int h = 0; h < clock_setup->hosts; h++)
        printf("      host %d: b + o %d, known %d, young %d, reset %d\n", h,
               w.host[h].o, w.host[h].known, w.host[h].young, w.host[h].reset);
}

const struct game clock_game = {first, next, NULL, print};
