/*
 * trails.c - what went where, and when?
 *
 *   counters.c    --> trails_sent()   where upstream_sends.c counts
 *                     trails_count()  an answer was a 429, or told its tokens
 *   history_trails.c reads it, history_save.c puts it on the disk and fills it from there
 *
 * A name has a trail for as long as there is room: it is found by the name, so
 * an upstream may change its row, and one that is removed keeps its past.  With
 * a seventeenth name the trail goes that was used last the longest time ago.
 *
 * Time is the rings': what they keep no record of (a clock that is wrong) is
 * not kept here.  A step says itself of which moment it is, so that nothing has
 * to be cleared when a moment begins, and what is not used is not touched.
 */
#include "state/stats/trails.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct lay_trail_step) == 20, "bump STATS_VERSION");

/* As the settings have it. */
bool trails_is_name(const char name[TRAIL_NAME_SIZE])
{
    size_t n = 0;

    while (n < TRAIL_NAME_SIZE && ((name[n] >= 'a' && name[n] <= 'z') ||
                                   (name[n] >= '0' && name[n] <= '9') ||
                                   name[n] == '_' || name[n] == '-'))
        n++;
    return n > 0 && n < TRAIL_NAME_SIZE && name[n] == '\0';
}

uint32_t trails_when(const struct history_ring *ring, int64_t t)
{
    return (uint32_t)(t / ring->step_s);
}

bool trails_belongs(const struct lay_trail_step *s, uint32_t i, int64_t *t)
{
    const struct history_ring *ring;

    if (i >= HISTORY_ALL)
        return false;
    ring = rings_of(i);
    *t = s->when * ring->step_s;
    return rings_is_time(*t) && rings_place(ring, *t) == i;
}

uint64_t trails_order(const struct trail_item *item)
{
    return (uint64_t)item->block * HISTORY_ALL + item->place;
}

/* ---- whose ---------------------------------------------------------------- */

static bool is_of(const struct lay_trail *trail, const char *name)
{
    return strncmp(trail->name, name, sizeof(trail->name)) == 0;
}

static struct lay_trail *find(struct lay_trails *t, const char *name)
{
    uint32_t i;

    for (i = 0; i < TRAILS; i++)
        if (is_of(&t->of[i], name))
            return &t->of[i];
    return NULL;
}

/* No row knows it any more.  Killed half way it has no name, and is cleared
 * again. */
static void begin(struct lay_trails *t, struct lay_trail *trail,
                  const char *name)
{
    uint32_t i;

    for (i = 0; i < LIMITER_UPSTREAMS; i++)
        if (t->of_row[i] == (uint32_t)(trail - t->of) + 1)
            t->of_row[i] = 0;
    trail->name[0] = '\0';
    if (trail->used != 0)
        memset(trail->steps, 0, sizeof(trail->steps));
    trail->used = 1;
    trail->last_s = 0;
    trail->ready_s = 0;
    memset(trail->name + 1, 0, sizeof(trail->name) - 1);
    memcpy(trail->name + 1, name + 1,
           strnlen(name, sizeof(trail->name) - 1) - 1);
    __atomic_store_n(&trail->name[0], name[0], __ATOMIC_RELEASE);
}

/* A free one, or whose name was not heard of for the longest time. */
static struct lay_trail *room(struct lay_trails *t)
{
    struct lay_trail *best = &t->of[0];
    uint32_t i;

    for (i = 0; i < TRAILS && best->name[0] != '\0'; i++)
        if (t->of[i].name[0] == '\0' || t->of[i].last_s < best->last_s)
            best = &t->of[i];
    return best;
}

static struct lay_trail *trail_of(struct lay_trails *t, const char *name)
{
    struct lay_trail *trail = find(t, name);

    if (trail != NULL)
        return trail;
    trail = room(t);
    begin(t, trail, name);
    return trail;
}

/* ---- when ----------------------------------------------------------------- */

static void note_first(struct lay_trails *t, int64_t at_s)
{
    if (!rings_is_time(t->first_s) || at_s < t->first_s)
        t->first_s = at_s;
}

/* Looked up once a second.  False: it is no time. */
static bool look_up(struct lay_trails *t, const struct lay_history *h)
{
    uint32_t r;

    t->at_s = 0;
    if (!rings_is_time(h->now_s))
        return false;
    for (r = 0; r < HISTORY_RINGS; r++) {
        const struct history_ring *ring = &history_rings[r];
        uint32_t place = rings_place(ring, h->now_s);

        t->when[r] = trails_when(ring, h->now_s);
        t->places[r] =
            h->moments[place].begin == t->when[r] * ring->step_s ? place : NONE;
    }
    note_first(t, h->now_s);
    t->at_s = h->now_s;
    return true;
}

/* Of that moment; as in rings.c, killed half way there is none. */
static void clear(struct lay_trail_step *s, uint32_t when)
{
    __atomic_store_n(&s->when, 0, __ATOMIC_RELEASE);
    s->sends = s->refused = s->tokens_in = s->tokens_out = 0;
    __atomic_store_n(&s->when, when, __ATOMIC_RELEASE);
}

/* Once a second for each that is used in it. */
static void get_ready(const struct lay_trails *t, struct lay_trail *trail)
{
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS; r++)
        if (t->places[r] < HISTORY_ALL &&
            trail->steps[t->places[r]].when != t->when[r])
            clear(&trail->steps[t->places[r]], t->when[r]);
    trail->last_s = t->at_s;
    trail->ready_s = (uint32_t)t->at_s;
}

/* ---- what happens --------------------------------------------------------- */

/* What most sends find: ROW's, whose name is the same as before, in a second
 * that it has counted in. */
static struct lay_trail *at_hand(struct lay_trails *t,
                                 const struct lay_history *h, uint32_t row)
{
    uint32_t i;

    if (row >= LIMITER_UPSTREAMS || t->at_s != h->now_s || t->at_s == 0)
        return NULL;
    i = t->of_row[row] - 1; /* of 0 there is none */
    return i < TRAILS && t->of[i].ready_s == (uint32_t)t->at_s ? &t->of[i]
                                                               : NULL;
}

/* NULL: nothing counts now. */
static struct lay_trail *ready(struct lay_trails *t,
                               const struct lay_history *h, const char *name)
{
    struct lay_trail *trail;

    if (!trails_is_name(name) || /* noise in the state's rules */
        ((t->at_s != h->now_s || t->at_s == 0) && !look_up(t, h)))
        return NULL;
    trail = trail_of(t, name);
    if (trail->ready_s != (uint32_t)t->at_s)
        get_ready(t, trail);
    return trail;
}

static struct lay_trail *trail_of_row(struct lay_trails *t,
                                      const struct lay_history *h, uint32_t row,
                                      const char *name)
{
    struct lay_trail *trail = at_hand(t, h, row);

    if (trail != NULL)
        return trail;
    trail = ready(t, h, name);
    if (row < LIMITER_UPSTREAMS)
        t->of_row[row] = trail != NULL ? (uint32_t)(trail - t->of) + 1 : 0;
    return trail;
}

void trails_sent(struct lay_trails *t, const struct lay_history *h,
                 uint32_t row, const char *name, bool known)
{
    struct lay_trail *trail;
    uint32_t r;

    if (!known && row < LIMITER_UPSTREAMS)
        t->of_row[row] = 0;
    trail = trail_of_row(t, h, row, name);
    if (trail == NULL)
        return;
    for (r = 0; r < HISTORY_RINGS; r++)
        if (t->places[r] < HISTORY_ALL)
            trail->steps[t->places[r]].sends++;
}

/* An upstream may tell any number of tokens: it is at its end, not at its
 * beginning again. */
static void add(uint32_t *sum, int64_t more)
{
    if (more > 0)
        *sum = more < UINT32_MAX - *sum ? *sum + (uint32_t)more : UINT32_MAX;
}

void trails_count(struct lay_trails *t, const struct lay_history *h,
                  uint32_t row, const char *name,
                  const struct upstream_answer *n)
{
    struct lay_trail *trail = trail_of_row(t, h, row, name);
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS && trail != NULL; r++)
        if (t->places[r] < HISTORY_ALL) {
            struct lay_trail_step *s = &trail->steps[t->places[r]];

            add(&s->refused, n->refused);
            add(&s->tokens_in, n->tokens_in);
            add(&s->tokens_out, n->tokens_out);
        }
}

/* ---- the disk ------------------------------------------------------------- */

/* Who has sent meanwhile is not pushed out by who did long ago. */
static struct lay_trail *trail_to_fill(struct lay_trails *t, const char *name)
{
    struct lay_trail *trail = find(t, name);

    if (trail != NULL)
        return trail;
    trail = room(t);
    if (trail->name[0] != '\0')
        return NULL;
    begin(t, trail, name);
    return trail;
}

void trails_fill(struct lay_trails *t, const struct lay_history *h,
                 const struct trail_item *item)
{
    struct lay_trail *trail;
    struct lay_trail_step *s;
    struct lay_trail_step sum = item->step;
    int64_t at_s;

    if (!trails_is_name(item->name) ||
        !trails_belongs(&item->step, item->place, &at_s) ||
        h->moments[item->place].begin > at_s)
        return; /* noise, or a newer moment has its place */
    trail = trail_to_fill(t, item->name);
    if (trail == NULL)
        return;
    s = &trail->steps[item->place];
    if (s->when == sum.when) {
        add(&sum.sends, s->sends);
        add(&sum.refused, s->refused);
        add(&sum.tokens_in, s->tokens_in);
        add(&sum.tokens_out, s->tokens_out);
    }
    __atomic_store_n(&s->when, 0, __ATOMIC_RELEASE);
    sum.when = 0;
    *s = sum;
    __atomic_store_n(&s->when, item->step.when, __ATOMIC_RELEASE);
    trail->last_s = max_i64(trail->last_s, at_s);
    note_first(t, at_s);
}

static bool has_twin(const struct lay_trails *t, uint32_t i)
{
    uint32_t k;

    for (k = 0; k < i; k++)
        if (is_of(&t->of[k], t->of[i].name))
            return true;
    return false;
}

/* As of the records, a step is looked at by whoever reads it.  What lies at
 * places that cannot be is not counted. */
void trails_rebuild(struct lay_trails *t)
{
    uint32_t i;

    t->at_s = 0;
    memset(t->of_row, 0, sizeof(t->of_row));
    if (!rings_is_time(t->first_s))
        t->first_s = 0;
    if (t->filled_to > (uint64_t)TRAILS * HISTORY_ALL)
        t->filled_to = 0;
    for (i = 0; i < TRAILS; i++) {
        struct lay_trail *trail = &t->of[i];

        if (trail->name[0] != '\0' &&
            (!trails_is_name(trail->name) || has_twin(t, i)))
            trail->name[0] = '\0';
        if (!rings_is_time(trail->last_s))
            trail->last_s = 0;
        trail->ready_s = 0;
        trail->used = trail->used != 0 || trail->name[0] != '\0';
    }
}
