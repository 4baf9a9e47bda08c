/*
 * ledger.c - what did a model do, and when; what does a client?
 *
 *   counters.c --> ledger_note()    a request is over
 *   history_ledger.c reads it, history_pieces.c puts it on the disk and fills it
 *   from there
 *
 * Each pool is a log of rows in the order they were begun in: the oldest gives
 * way, so a busy service knows less far back, and never less of now.  A name
 * goes on with its row as long as the moment lasts.  Where it cannot be told
 * whether a row is of this moment (a clock that jumped, a name that came back)
 * another one is begun: who reads adds up all rows of a name and a moment, and
 * so two are as good as one.
 *
 * A row has its name's number, not its place: what a name that gave way has
 * left behind is nobody's until it comes back, and counts with the others.
 *
 * Time is the rings': what they keep no record of (a clock that is wrong) is
 * not kept here.
 */
#include "state/stats/ledger.h"

#include <assert.h>
#include <string.h>

#include "lib/base.h"
#include "lib/fnv.h"

static_assert(sizeof(struct lay_ledger_name) == 160, "bump STATS_VERSION");

#define NUMBER_MAX (UINT64_C(1) << 48) /* at a million a second: nine years */

const struct ledger_pool ledger_pools[LEDGER_POOLS] = {
    {5, LEDGER_FIVES, 0}, /* what a chart of ten minutes shows */
    {60, LEDGER_MINUTES, LEDGER_FIVES},
    {3600, LEDGER_HOURS, LEDGER_FIVES + LEDGER_MINUTES},
};

static struct lay_ledger_row *place(struct lay_ledger *l, uint32_t pool,
                                    uint64_t i)
{
    const struct ledger_pool *p = &ledger_pools[pool];

    return &l->rows[p->first + i % p->n];
}

const struct lay_ledger_row *ledger_row(const struct lay_ledger *l,
                                        uint32_t pool, uint64_t i)
{
    const struct ledger_pool *p = &ledger_pools[pool];
    uint64_t next = l->pools[pool].next;

    if (i >= next || next > NUMBER_MAX || next - i > p->n)
        return NULL;
    return &l->rows[p->first + i % p->n];
}

/* Of the moment of the oldest row there may be some that are gone. */
int64_t ledger_reach(const struct lay_ledger *l, uint32_t pool)
{
    const struct ledger_pool *p = &ledger_pools[pool];
    uint64_t next = l->pools[pool].next;
    const struct lay_ledger_row *oldest =
        next > p->n ? ledger_row(l, pool, next - p->n) : NULL;
    int64_t t;

    return oldest != NULL && ledger_row_is(oldest, pool, &t) ? t + p->step_s
                                                             : 0;
}

/* ---- whose ---------------------------------------------------------------- */

bool ledger_is_name(const char *name)
{
    return name[0] != '\0' &&
           strnlen(name, LIMITER_NAME_MAX) < LIMITER_NAME_MAX;
}

uint32_t ledger_id(const char *name)
{
    uint64_t h = fnv(FNV_BEGIN, name, strnlen(name, LIMITER_NAME_MAX - 1));
    uint32_t id = (uint32_t)(h ^ h >> 32);

    return id > LEDGER_OTHERS ? id : id + 2;
}

/* LEDGER_NAMES: none.  Of the names that are here no two have one number. */
static uint32_t find(const struct lay_ledger *l, uint32_t id)
{
    uint32_t i = 0;

    while (i < LEDGER_NAMES && l->ids[i] != id)
        i++;
    return i;
}

/* Killed half way the place is free. */
static void begin(struct lay_ledger *l, uint32_t i, const char *name,
                  uint32_t id)
{
    struct lay_ledger_name *who = &l->names[i];

    __atomic_store_n(&l->ids[i], 0, __ATOMIC_RELEASE);
    memset(who, 0, sizeof(*who));
    memcpy(who->text, name, strnlen(name, sizeof(who->text) - 1));
    __atomic_store_n(&l->ids[i], id, __ATOMIC_RELEASE);
}

/* The one that was heard of last the longest time ago; LEDGER_NAMES: it is too
 * soon for another one to give way. */
static uint32_t give_way(struct lay_ledger *l)
{
    uint32_t best = 0, i;

    if (l->at_s >= l->given_s && l->at_s - l->given_s < LEDGER_GIVE_S)
        return LEDGER_NAMES;
    for (i = 1; i < LEDGER_NAMES; i++)
        if (l->names[i].last_s < l->names[best].last_s)
            best = i;
    l->given_s = l->at_s;
    return best;
}

/* NAME's, or the others'. */
static uint32_t entry(struct lay_ledger *l, const char *name)
{
    uint32_t id = ledger_id(name), i = find(l, id);

    if (i < LEDGER_NAMES) /* two names of one number cannot both be here */
        return strncmp(l->names[i].text, name, LIMITER_NAME_MAX - 1) == 0
                   ? i
                   : LEDGER_NAMES;
    i = find(l, 0);
    if (i == LEDGER_NAMES)
        i = give_way(l);
    if (i < LEDGER_NAMES)
        begin(l, i, name, id);
    return i;
}

/* ---- when ----------------------------------------------------------------- */

static void note_first(struct lay_ledger *l, int64_t at_s)
{
    if (!rings_is_time(l->first_s) || at_s < l->first_s)
        l->first_s = at_s;
}

/* Looked up once a second.  False: it is no time. */
static bool look_up(struct lay_ledger *l, const struct lay_history *h)
{
    uint32_t i;

    l->at_s = 0;
    if (!rings_is_time(h->now_s))
        return false;
    for (i = 0; i < LEDGER_POOLS; i++) {
        struct lay_ledger_pool *p = &l->pools[i];
        uint32_t when = (uint32_t)(h->now_s / ledger_pools[i].step_s);
        const struct history_ring *ring = &history_rings[i];
        int64_t begin = h->now_s - h->now_s % ring->step_s;

        if (p->when != when)
            p->now_from = p->next;
        p->when = when;
        p->open = h->moments[rings_place(ring, h->now_s)].begin == begin;
    }
    note_first(l, h->now_s);
    l->at_s = h->now_s;
    return true;
}

/* ---- what happens --------------------------------------------------------- */

/* Is row number I of POOL ID's, of the moment that it is now? */
static bool is_at_hand(const struct lay_ledger *l, uint32_t pool, uint64_t i,
                       uint32_t id)
{
    const struct lay_ledger_pool *p = &l->pools[pool];
    const struct lay_ledger_row *r = ledger_row(l, pool, i);

    return r != NULL && i >= p->now_from && r->id == id && r->when == p->when;
}

/* Killed half way there is a row that is none, or none. */
static struct lay_ledger_row *append(struct lay_ledger *l, uint32_t pool,
                                     uint32_t id)
{
    struct lay_ledger_pool *p = &l->pools[pool];
    struct lay_ledger_row *r = place(l, pool, p->next);

    __atomic_store_n(&r->when, 0, __ATOMIC_RELEASE);
    memset(r, 0, sizeof(*r));
    r->id = id;
    __atomic_store_n(&p->next, p->next + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&r->when, p->when, __ATOMIC_RELEASE);
    return r;
}

static struct lay_ledger_row *row_of(struct lay_ledger *l, uint32_t pool,
                                     uint32_t who)
{
    uint32_t id = who < LEDGER_NAMES ? l->ids[who] : LEDGER_OTHERS;
    uint64_t *at = &l->names[who].at[pool];

    if (*at != 0 && is_at_hand(l, pool, *at - 1, id))
        return place(l, pool, *at - 1);
    *at = l->pools[pool].next + 1;
    return append(l, pool, id);
}

void ledger_note(struct lay_ledger *l, const struct lay_history *h,
                 const char *name, const struct limiter_note *n)
{
    uint32_t who, i;

    if (name[0] == '\0' ||
        ((l->at_s != h->now_s || l->at_s == 0) && !look_up(l, h)))
        return;
    who = entry(l, name);
    l->names[who].last_s = l->at_s;
    for (i = 0; i < LEDGER_POOLS; i++)
        if (l->pools[i].open && l->pools[i].next < NUMBER_MAX)
            ledger_row_add(row_of(l, i, who), n);
}

/* ---- the disk ------------------------------------------------------------- */

/*
 * Rows keep their numbers on the disk, and so their places.  A new file began at
 * 0, before it was known how far the old one had come: its rows move behind the
 * old one's.  There are a few, but as many as the pool has if the disk could not
 * be read for long.  Killed half way they are lost, and none is there twice.
 * Whoever takes over finds it done; unless the disk's rows became more, by an
 * older build's workers: then all is begun again.
 */
void ledger_fill_begin(struct lay_ledger *l, uint32_t pool, uint64_t next,
                       struct lay_ledger_row *room)
{
    struct lay_ledger_pool *p = &l->pools[pool];
    const struct ledger_pool *of = &ledger_pools[pool];
    uint64_t n = p->next - p->base, skip, i;

    if (next == p->base || next >= NUMBER_MAX / 2)
        return;
    skip = n > of->n ? n - of->n : 0;
    for (i = skip; i < n; i++)
        room[i - skip] = *place(l, pool, p->base + i);
    memset(&l->rows[of->first], 0, of->n * sizeof(*l->rows));
    p->base = p->now_from =
        next; /* rows of now before it are not gone on with */
    p->next = next + n - skip;
    for (i = next; i < p->next; i++)
        *place(l, pool, i) = room[i - next];
    for (i = 0; i <= LEDGER_NAMES; i++)
        l->names[i].at[pool] = 0;
}

void ledger_fill_name(struct lay_ledger *l, const char *name, int64_t last_s)
{
    uint32_t id, i;

    if (!ledger_is_name(name))
        return;
    id = ledger_id(name);
    i = find(l, 0);
    if (i == LEDGER_NAMES || find(l, id) < LEDGER_NAMES)
        return;
    begin(l, i, name, id);
    l->names[i].last_s = rings_is_time(last_s) ? last_s : 0;
}

void ledger_fill(struct lay_ledger *l, uint32_t pool, uint64_t i,
                 const struct lay_ledger_row *row)
{
    struct lay_ledger_row *r = place(l, pool, i);
    int64_t t;

    if (i >= l->pools[pool].base || ledger_row(l, pool, i) == NULL ||
        !ledger_row_is(row, pool, &t))
        return; /* noise, or newer rows have its place */
    __atomic_store_n(&r->when, 0, __ATOMIC_RELEASE);
    *r = *row;
    note_first(l, t);
}

static bool is_sound(const struct lay_ledger *l, uint32_t i)
{
    const char *text = l->names[i].text;

    return l->ids[i] != 0 && ledger_is_name(text) &&
           ledger_id(text) == l->ids[i] && find(l, l->ids[i]) == i;
}

/* As of the rings' records, a row is looked at by whoever reads it. */
void ledger_rebuild(struct lay_ledger *l)
{
    uint32_t i;

    l->at_s = 0;
    if (!rings_is_time(l->first_s))
        l->first_s = 0;
    if (!rings_is_time(l->given_s))
        l->given_s = 0;
    for (i = 0; i < LEDGER_POOLS; i++) {
        struct lay_ledger_pool *p = &l->pools[i];

        p->when = 0; /* the next request begins its rows anew */
        if (p->next > NUMBER_MAX || p->base > p->next)
            p->next = p->base = 0;
    }
    for (i = 0; i < LEDGER_NAMES; i++) {
        if (!is_sound(l, i))
            l->ids[i] = 0;
        if (!rings_is_time(l->names[i].last_s))
            l->names[i].last_s = 0;
    }
}
