/*
 * rings.c - what was when?
 *
 *   journal.c --> rings_turn()   once a turn: which moment is it?
 *                 rings_gauge()  how many wait, run, use the window?
 *                 rings_sent()   where counters.sent rises
 *   counters.c --> rings_note()  a request ended
 *   history.c    reads it, history_save.c puts it on the disk and fills it from there
 *
 * Everything is added to the current record of all three rings, so a range can
 * be told from any of them that reaches so far, and its sum is that of the
 * counters.
 *
 * The clock is the wall's and may jump.  A record belongs to its time: back
 * within a ring's reach, one goes on with the records that are there.  Farther
 * back, a place may be held by a moment that has not come yet.  Then the clock
 * is wrong now, as after the start of a machine that has none of its own, or
 * it was when that moment was kept.  For PATIENCE steps of the ring the first
 * is believed, and nothing is kept at that place; from then on the second, or
 * a clock that was ahead for a day would leave the ring deaf for as long.
 */
#include "state/stats/rings.h"

#include <assert.h>
#include <string.h>

#include "state/stats/quantiles.h"

#define TIME_MAX  (INT64_C(1) << 36) /* the year 4147 */
#define SANE_FROM 1577836800         /* 2020: a clock before it was not set */

/* A worker takes a turn each second, but no sooner: a second in which none did
 * is one in which nothing happened.  After this many nobody was there. */
#define GAP_S 3

/* A clock is put right within a minute, or not for long: a second's record
 * waits for so many seconds, an hour's for so many hours. */
#define PATIENCE 60

const struct history_ring history_rings[HISTORY_RINGS] = {
    {1, HISTORY_SECONDS, 0},
    {60, HISTORY_MINUTES, HISTORY_SECONDS},
    {3600, HISTORY_HOURS, HISTORY_SECONDS + HISTORY_MINUTES},
};

static_assert(sizeof(struct lay_moment) == 240, "bump STATS_VERSION");

bool rings_is_time(int64_t t)
{
    return t > 0 && t < TIME_MAX;
}

uint32_t rings_place(const struct history_ring *ring, int64_t t)
{
    return ring->first + (uint32_t)(t / ring->step_s % ring->n);
}

const struct history_ring *rings_of(uint32_t i)
{
    uint32_t r = HISTORY_RINGS - 1;

    while (r > 0 && i < history_rings[r].first)
        r--;
    return &history_rings[r];
}

bool rings_belongs(const struct lay_moment *m, uint32_t i)
{
    const struct history_ring *ring = rings_of(i);

    return i < HISTORY_ALL && rings_is_time(m->begin) &&
           m->begin % ring->step_s == 0 && rings_place(ring, m->begin) == i;
}

/* ---- records -------------------------------------------------------------- */

static uint16_t max_u16(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

uint32_t rings_outcome(const struct lay_moment *m, enum outcome outcome)
{
    uint32_t left = m->requests, i;

    if (outcome < MOMENT_OUTCOMES)
        return m->outcomes[outcome];
    for (i = 0; i < MOMENT_OUTCOMES; i++)
        left -= m->outcomes[i] < left ? m->outcomes[i] : left;
    return left;
}

void rings_add(struct lay_moment *to, const struct lay_moment *m)
{
    uint32_t i;

    to->queue_us += m->queue_us;
    to->first_byte_us += m->first_byte_us;
    to->generation_us += m->generation_us;
    to->tokens_in += m->tokens_in;
    to->tokens_out += m->tokens_out;
    to->sends += m->sends;
    to->requests += m->requests;
    for (i = 0; i < MOMENT_OUTCOMES; i++)
        to->outcomes[i] += m->outcomes[i];
    to->told += m->told;
    to->queue_n += m->queue_n;
    to->first_byte_n += m->first_byte_n;
    to->generation_n += m->generation_n;
    to->waiting = max_u16(to->waiting, m->waiting);
    to->in_flight = max_u16(to->in_flight, m->in_flight);
    to->window_used = max_u16(to->window_used, m->window_used);
    to->window_limit = max_u16(to->window_limit, m->window_limit);
    for (i = 0; i < HISTORY_BUCKETS; i++) {
        to->queue[i] += m->queue[i];
        to->first_byte[i] += m->first_byte[i];
        to->speed[i] += m->speed[i];
    }
}

static void note_first(struct lay_history *h, int64_t t)
{
    if (t >= SANE_FROM && (!rings_is_time(h->first_s) || t < h->first_s))
        h->first_s = t;
}

/* May the record of a moment AHEAD of the clock make room in a ring of STEP_S?
 * The clock is taken for wrong from the first that was met until that one has
 * come, or until it has stayed behind for long enough. */
static bool may_go(struct lay_history *h, int64_t ahead, int64_t step_s)
{
    if (!rings_is_time(ahead))
        return true; /* noise */
    if (h->ahead_s == 0)
        h->behind_ns = h->turn_ns;
    h->ahead_s = max_i64(h->ahead_s, ahead);
    return h->turn_ns - h->behind_ns >= PATIENCE * step_s * NS_PER_S;
}

/* The record of T, begun if it is not there.  NULL: its place is taken.  Killed
 * half way there is none: its begin is stored last. */
static struct lay_moment *record(struct lay_history *h, uint32_t r, int64_t t)
{
    const struct history_ring *ring = &history_rings[r];
    struct lay_moment *m = &h->moments[rings_place(ring, t)];
    int64_t begin = t - t % ring->step_s;

    if (m->begin == begin)
        return m;
    if (m->begin > begin && !may_go(h, m->begin, ring->step_s))
        return NULL;
    __atomic_store_n(&m->begin, 0, __ATOMIC_RELEASE);
    memset(m, 0, sizeof(*m));
    __atomic_store_n(&m->begin, begin, __ATOMIC_RELEASE);
    note_first(h, t);
    return m;
}

static void begin_all(struct lay_history *h, int64_t t)
{
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS; r++)
        (void)record(h, r, t);
    if (h->from_s > h->to_s)
        h->from_s = h->to_s = t;
    h->from_s = min_i64(h->from_s, t);
    h->to_s = max_i64(h->to_s, t);
}

/* ---- what happens ---------------------------------------------------------- */

void rings_turn(struct lay_history *h, int64_t wall_s, int64_t now)
{
    int64_t last = h->now_s, s;

    if (!rings_is_time(wall_s) || wall_s < SANE_FROM) {
        h->now_s = 0; /* a clock that tells nothing: nothing is kept */
        return;
    }
    h->now_s = wall_s;
    h->turn_ns = now;
    if (wall_s >= h->ahead_s)
        h->ahead_s = 0;
    if (wall_s == last && h->from_s <= h->to_s)
        return;
    if (last > 0 && wall_s > last && wall_s - last <= GAP_S)
        for (s = last + 1; s < wall_s; s++)
            begin_all(h, s);
    begin_all(h, wall_s);
}

void rings_sent(struct lay_history *h, uint32_t n)
{
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS && rings_is_time(h->now_s); r++) {
        struct lay_moment *m = record(h, r, h->now_s);

        if (m != NULL)
            m->sends += n;
    }
}

static uint16_t clip_u16(uint32_t n)
{
    return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

void rings_gauge(struct lay_history *h, const struct rings_gauge *g)
{
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS && rings_is_time(h->now_s); r++) {
        struct lay_moment *m = record(h, r, h->now_s);

        if (m == NULL)
            continue;
        m->waiting = max_u16(m->waiting, clip_u16(g->waiting));
        m->in_flight = max_u16(m->in_flight, clip_u16(g->in_flight));
        m->window_used = max_u16(m->window_used, clip_u16(g->window_used));
        m->window_limit = max_u16(m->window_limit, clip_u16(g->window_limit));
    }
}

static uint32_t add_us(uint64_t *sum, uint32_t *n, int64_t ns)
{
    if (ns < 0)
        return 0;
    *sum += (uint64_t)ns / 1000;
    (*n)++;
    return 1;
}

static void note(struct lay_moment *m, const struct limiter_note *n)
{
    m->requests++;
    if (n->outcome < MOMENT_OUTCOMES)
        m->outcomes[n->outcome]++;
    if (add_us(&m->queue_us, &m->queue_n, n->queue_ns))
        quantiles_add(BAND_QUEUE, m->queue, n->queue_ns / 1000);
    if (add_us(&m->first_byte_us, &m->first_byte_n, n->first_byte_ns))
        quantiles_add(BAND_FIRST_BYTE, m->first_byte, n->first_byte_ns / 1000);
    (void)add_us(&m->generation_us, &m->generation_n, n->generation_ns);
    if (n->speed_milli >= 0)
        quantiles_add(BAND_SPEED, m->speed, n->speed_milli);
    m->tokens_in += (uint64_t)max_i64(0, n->tokens_in);
    m->tokens_out += (uint64_t)max_i64(0, n->tokens_out);
    /* What has no tokens to tell is none that is missing. */
    m->told += n->outcome == OUTCOME_OK && note_is_answer(n) <= note_is_told(n);
}

void rings_note(struct lay_history *h, const struct limiter_note *n)
{
    uint32_t r;

    for (r = 0; r < HISTORY_RINGS && rings_is_time(h->now_s); r++) {
        struct lay_moment *m = record(h, r, h->now_s);

        if (m != NULL)
            note(m, n);
    }
}

/* ---- the disk ---------------------------------------------------------------- */

/* A kill in the middle loses what was here, a second's worth at most, and never
 * counts anything twice: the record is nobody's until it is whole. */
void rings_fill(struct lay_history *h, uint32_t i, const struct lay_moment *m)
{
    struct lay_moment *here, sum = *m;

    if (!rings_belongs(m, i))
        return;
    here = &h->moments[i];
    if (here->begin > m->begin)
        return; /* a newer one has its place */
    if (here->begin == m->begin)
        rings_add(&sum, here);
    __atomic_store_n(&here->begin, 0, __ATOMIC_RELEASE);
    sum.begin = 0;
    *here = sum;
    __atomic_store_n(&here->begin, m->begin, __ATOMIC_RELEASE);
    note_first(h, m->begin);
}

void rings_leave(struct lay_history *h, uint32_t worker)
{
    if (h->owner != worker + 1)
        return;
    h->owner = 0;
    h->due_ns = 0;
}

void rings_move(struct lay_history *h)
{
    h->owner = 0;
}

/* The records are looked at by whoever reads them: they are too many, and no
 * number in them leads anywhere. */
void rings_rebuild(struct lay_history *h, int64_t now)
{
    if (!rings_is_time(h->now_s))
        h->now_s = 0;
    if (!rings_is_time(h->first_s))
        h->first_s = 0;
    if (!rings_is_time(h->ahead_s) || h->behind_ns < 0 || h->behind_ns > now)
        h->ahead_s = 0;
    if (!rings_is_time(h->from_s) || !rings_is_time(h->to_s)) {
        h->from_s = 1; /* nothing, if it was nothing */
        h->to_s = h->now_s;
    }
    if (!rings_is_time(h->saving_from_s) || !rings_is_time(h->saving_to_s))
        h->saving_from_s = h->saving_to_s = 0;
    if (h->owner > LIMITER_WORKERS)
        h->owner = 0;
    if (h->due_ns < 0 || h->due_ns > now + HISTORY_DUE_MAX_NS)
        h->due_ns = now;
    if (h->lease_ns < 0 || h->lease_ns > now + HISTORY_DUE_MAX_NS)
        h->lease_ns = 0;
    if (h->filled > 1 || h->mute > 1 || h->filled_to > HISTORY_ALL)
        h->filled = h->mute = h->filled_to = 0;
    if (h->failures > HISTORY_FAILURES + 1)
        h->failures = 0;
}
