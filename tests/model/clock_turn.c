/*
 * clock_turn.c - what turn.lua does with its two clocks in a call, rule by rule.
 */
#include "tests/model/clock_world.h"

/* ---- turn.lua: the clocks ------------------------------------------------------- */

struct turn { /* of one call */
    struct clocks *w;
    struct host *host;
    int since, rtt; /* rtt: 0 if it is not known, */
    bool answered;  /* that is, if the last answer did not come */
    int over;       /* by how much it was longer than the shortest before */
    int up, v;      /* beside v as it was */
    int bo;         /* b + o, the same, */
    int word;       /* and as it was, though it may have been set aside */
    bool quiet;
};

/* Of all hosts: what they know means nothing any more until they call again. */
static void reset_all(struct clocks *w)
{
    if (clock_mutant == CLOCK_NO_RESET)
        return;
    for (int h = 0; h < clock_setup->hosts; h++)
        w->host[h].reset = 1;
}

static void time_went_on(struct turn *t)
{
    struct store *s = &t->w->store;

    if (s->time < 0)
        reset_all(t->w);
    t->up = s->up + most(0, s->time);
}

/* The shortest way ever, and by how much this one was shorter still. */
static int learn_way(struct turn *t)
{
    struct host *h = t->host;
    int shorter = 0;

    if (!h->known)
        h->least = UNKNOWN;
    if (!t->answered)
        return 0;
    h->slow = (int8_t)most(h->slow, h->least);
    if (h->least != UNKNOWN)
        shorter = most(0, h->least - t->rtt);
    if (h->least != UNKNOWN || clock_mutant != CLOCK_WAY_KEPT)
        t->over = most(0, t->rtt - most(0, h->least));
    h->least = (int8_t)(h->least == UNKNOWN ? t->rtt : least(h->least, t->rtt));
    return shorter;
}

static void is_new(struct turn *t)
{
    struct host *h = t->host;

    t->bo = clock_mutant == CLOCK_NEW_HAS_TIME ? t->up : 0;
    h->young = 1;
    h->ago = (int8_t)t->since;
}

static void is_known(struct turn *t, int shorter)
{
    struct host *h = t->host;
    int was = h->o - t->since, grown = was - shorter;
    bool young = h->young || (h->stepped && clock_mutant != CLOCK_NO_STEPPED);

    if (t->up < was)
        reset_all(t->w);
    if (young && t->answered)
        grown -= t->over;
    if (h->behind_is && (t->answered || clock_mutant == CLOCK_BEHIND_KEPT))
        grown =
            most(grown, h->behind - t->since -
                            (clock_mutant == CLOCK_BEHIND_WAY ? 0 : t->rtt));
    t->bo = least(t->up, grown);
    h->young = young && !t->answered;
    h->ago = (int8_t)least(t->since, h->ago);
}

/* Nobody called for long: the clock of the host says so, whatever of it was set
 * aside; of one that nobody knows, TIME. */
static bool is_quiet(const struct turn *t, bool known)
{
    if (clock_mutant == CLOCK_QUIET_BY_V)
        return t->v > clock_setup->quiet;
    if (!known || clock_mutant == CLOCK_QUIET_BY_TIME)
        return t->w->store.time > clock_setup->quiet &&
               clock_mutant != CLOCK_QUIET_BY_HOST;
    return t->word > clock_setup->quiet;
}

static void judge(struct turn *t)
{
    struct host *h = t->host;
    int shorter = learn_way(t);
    bool doubt = h->young || (h->stepped && clock_mutant != CLOCK_STEP_ASIDE);

    if (!h->known || h->reset || (doubt && !t->answered))
        is_new(t);
    else
        is_known(t, shorter);
    h->known = 1;
    h->reset = h->stepped = h->watched = 0;
    t->v = most(0, least(t->up, t->bo));
    if (clock_mutant == CLOCK_IS_TIME)
        t->v = t->up;
    h->behind_is = t->v - t->bo > 0 && h->ago == t->since;
}

/* TIME stepped, if all calls of a while say so, or one does by far. */
static void set_back(struct turn *t)
{
    struct store *s = &t->w->store;
    int excess = t->up - t->v - t->rtt, by;
    bool jumped = excess > clock_setup->jump;

    s->ex = (int8_t)most(0, least(s->ex, excess));
    if (!jumped && s->watch < clock_setup->watch)
        return;
    by = jumped ? t->up - t->v : s->ex;
    if (by > 0) {
        t->up -= by;
        for (int h = 0; h < clock_setup->hosts; h++) {
            struct host *other = &t->w->host[h];

            if (other != t->host && clock_mutant != CLOCK_NO_RESET)
                other->reset |= jumped || other->watched;
            if (other != t->host)
                other->stepped = 1;
        }
        t->host->young = 1;
    }
    s->ex = INT8_MAX;
    s->watch = 0;
    for (int h = 0; h < clock_setup->hosts; h++)
        t->w->host[h].watched = 1;
}

/* All that was beside v as it was is beside V as it is. */
static void v_is(struct clocks *w, int v)
{
    for (int h = 0; h < clock_setup->hosts; h++) {
        w->host[h].o = (int8_t)(w->host[h].o - v);
        w->host[h].behind = (int8_t)(w->host[h].behind - v);
    }
    w->store.truth = (int8_t)(w->store.truth - v);
}

/* A call may have been made before.  Where TIME stood still, too, or a call that lay
 * here came first, who is new cannot know. */
static bool was_silent(const struct clocks *w, const struct host *h,
                       const struct call *c)
{
    return w->store.idle >
               clock_setup->quiet + clock_setup->most + clock_setup->late &&
           ((h->known && !h->young) || !w->store.still) && c != &h->late;
}

/* Is v ahead of the truth by more than it may be?  By the shortest round trips that
 * hosts had so far, each as long as it ever was; it may stay so far ahead. */
static bool is_far(struct clocks *w, int v)
{
    struct store *s = &w->store;
    int by = v - s->truth, may = 0;

    for (int h = 0; h < clock_setup->hosts; h++) {
        const struct host *host = &w->host[h];

        may += host->known ? host->slow : 0;
    }
    if (v == 0 || by <= s->ahead)
        return false;
    s->ahead = (int8_t)by;
    return by > may;
}

bool clock_execute(struct clocks *w, int h, const struct call *c)
{
    struct host *host = &w->host[h];
    struct store *s = &w->store;
    struct turn t = {
        .w = w, .host = host, .since = c->since, .word = host->o - c->since};
    bool broken, was_known, silent = was_silent(w, host, c);

    t.rtt = most(0, c->rtt);
    t.answered = c->rtt != UNKNOWN;
    time_went_on(&t);
    s->watch = (int8_t)least(s->watch + t.up - s->up, clock_setup->watch);
    was_known = host->known;
    judge(&t);
    t.quiet = is_quiet(&t, was_known);
    set_back(&t);
    broken = is_far(w, t.v) || (clock_setup->quiet && silent && !t.quiet);
    host->o = (int8_t)(t.bo + t.since);
    v_is(w, t.v);
    host->behind = (int8_t)t.since;
    s->up = (int8_t)(t.up - t.v);
    s->truth = (int8_t)least(s->truth, s->up);
    s->time = 0;
    /* Of a late one nobody hears, unless it made all full. */
    s->still = c == &host->late && clock_setup->quiet && !t.quiet;
    if (!s->still)
        s->idle = 0;
    return broken;
}
