/*
 * history.c - what was between two moments?
 *
 *   fcgi/pages/history_page.c --> limiter_history()
 *
 * The finest ring that reaches back to the begin is read, in pieces: the lock
 * is held while PIECE records are copied, some 20 us, and never for more.  The
 * steps are put together outside of it.
 */
#include <string.h>

#include "state/history.h"
#include "state/section.h"
#include "state/stats/quantiles.h"
#include "state/worker.h"

#define PIECE 400 /* records: 96 KB */
#define TRIES 20  /* at the lock of each; each try waits a little */

struct reading {
    struct lay_history *h;
    const struct history_ring *ring;
    int64_t at; /* of the first record wanted */
    uint32_t n;
    struct lay_moment *to;
};

/* Needs the lock. */
static void copy_piece(void *arg)
{
    struct reading *r = arg;
    uint32_t i;

    for (i = 0; i < r->n; i++) {
        int64_t t = r->at + i * r->ring->step_s;
        const struct lay_moment *m = &r->h->moments[rings_place(r->ring, t)];

        if (m->begin == t)
            r->to[i] = *m;
        else
            r->to[i].begin = 0;
    }
}

static bool read_piece(struct limiter *lim, struct reading *r)
{
    int tries = 0;

    r->h = &lim->stats.lay->history;
    while (!section_stats(lim, 0, copy_piece, r)) {
        if (lim->file.lay == NULL || ++tries == TRIES)
            return false;
        r->h = &lim->stats.lay->history; /* new ones may be there */
    }
    return true;
}

/* ---- putting steps together ----------------------------------------------- */

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* As rings_add(), but with room for the sums of years. */
static void add(struct past_step *s, const struct lay_moment *m)
{
    uint32_t i;

    s->kept = true;
    s->sends += m->sends;
    s->requests += m->requests;
    for (i = 0; i < OUTCOMES; i++)
        s->outcomes[i] += rings_outcome(m, (enum outcome)i);
    s->waiting = max_u32(s->waiting, m->waiting);
    s->in_flight = max_u32(s->in_flight, m->in_flight);
    s->window_used = max_u32(s->window_used, m->window_used);
    s->window_limit = max_u32(s->window_limit, m->window_limit);
    s->queue_us += m->queue_us;
    s->first_byte_us += m->first_byte_us;
    s->generation_us += m->generation_us;
    s->queue_n += m->queue_n;
    s->first_byte_n += m->first_byte_n;
    s->generation_n += m->generation_n;
    s->tokens_in += m->tokens_in;
    s->tokens_out += m->tokens_out;
    if (s->told < 0 || (m->told == 0 && m->tokens_in + m->tokens_out > 0))
        s->told = -1;
    else
        s->told += m->told;
    for (i = 0; i < HISTORY_BUCKETS; i++) {
        s->counts[BAND_QUEUE][i] += m->queue[i];
        s->counts[BAND_FIRST_BYTE][i] += m->first_byte[i];
        s->counts[BAND_SPEED][i] += m->speed[i];
    }
}

static void tell_quantiles(struct past_step *s)
{
    int64_t queue = (int64_t)s->queue_us, byte = (int64_t)s->first_byte_us;

    s->queue_p50_us = quantiles_quantile(BAND_QUEUE, s->counts[0], queue, 50);
    s->queue_p95_us = quantiles_quantile(BAND_QUEUE, s->counts[0], queue, 95);
    s->first_byte_p50_us =
        quantiles_quantile(BAND_FIRST_BYTE, s->counts[1], byte, 50);
    s->first_byte_p95_us =
        quantiles_quantile(BAND_FIRST_BYTE, s->counts[1], byte, 95);
    s->speed_p50_milli = quantiles_quantile(BAND_SPEED, s->counts[2], -1, 50);
    s->speed_p95_milli = quantiles_quantile(BAND_SPEED, s->counts[2], -1, 95);
}

/* ---- which steps -------------------------------------------------------------- */

static int64_t oldest(const struct history_ring *ring, int64_t now_s)
{
    return now_s - now_s % ring->step_s - (ring->n - 1) * ring->step_s;
}

/* The finest that reaches so far, but for the record that is just being
 * replaced; else the coarsest. */
static const struct history_ring *choose(int64_t from_s, int64_t now_s)
{
    uint32_t i = 0;

    while (i < HISTORY_RINGS - 1 &&
           oldest(&history_rings[i], now_s) > from_s + history_rings[i].step_s)
        i++;
    return &history_rings[i];
}

/* Sets the steps: whole multiples of the ring's, and of a ledger's, at most
 * R->points. */
static void lay_out(const struct history_ring *ring,
                    const struct past_range *range, struct limiter_past *out)
{
    int64_t from =
        max_i64(max_i64(range->from_s, oldest(ring, range->now_s)), 0);
    int64_t to = min_i64(range->to_s, range->now_s), n;
    /* Of two of them one is always a multiple of the other. */
    int64_t unit = max_i64(ring->step_s, range->grain_s);
    int64_t step = (to - from) / (range->points * unit) * unit;

    out->n = 0;
    out->step_s = max_i64(step, unit);
    out->from_s = from;
    out->to_s = max_i64(to, from);
    CHECK(out->step_s > 0);
    if (from > to)
        return;
    for (;; out->step_s += unit) {
        out->from_s = from - from % out->step_s;
        n = (to - out->from_s) / out->step_s + 1;
        if (n <= range->points)
            break;
        /* One too many of hundreds, because TO is included: not worth steps
         * that are longer. */
        if (n == range->points + 1 && range->points >= 100) {
            out->from_s += out->step_s;
            n--;
            break;
        }
    }
    out->n = (uint32_t)n;
    for (n = 0; n < out->n; n++)
        out->steps[n].begin_s = out->from_s + n * out->step_s;
}

static bool is_sane(const struct past_range *r)
{
    return rings_is_time(r->now_s) && r->points > 0 &&
           r->points <= PAST_POINTS && r->from_s < INT64_MAX / 4 &&
           r->to_s < INT64_MAX / 4;
}

/* The ring's records from OUT's begin to its end, piece by piece; not those
 * from before the first: no page of them has to be touched. */
static bool fill(struct limiter *lim, const struct history_ring *ring,
                 struct limiter_past *out, struct lay_moment *room)
{
    int64_t begin = out->from_s, end = out->to_s + 1, t;
    struct reading r = {.ring = ring, .to = room};
    int64_t first = lim->first_s - lim->first_s % ring->step_s;
    uint32_t i;

    for (t = max_i64(begin, first); t < end; t += r.n * ring->step_s) {
        r.at = t;
        r.n = (uint32_t)min_i64(PIECE,
                                (end - t + ring->step_s - 1) / ring->step_s);
        if (!read_piece(lim, &r))
            return false;
        for (i = 0; i < r.n; i++)
            if (room[i].begin != 0)
                add(&out->steps[(room[i].begin - begin) / out->step_s],
                    &room[i]);
    }
    return true;
}

/* This second may not have had its turn yet: that is no gap. */
static void forget_now(struct limiter_past *out, int64_t now_s)
{
    const struct past_step *last = &out->steps[out->n > 0 ? out->n - 1 : 0];

    if (out->n > 1 && !last->kept && last->begin_s >= now_s - 1)
        out->n--;
}

bool limiter_history(struct limiter *lim, const struct past_range *range,
                     struct limiter_past *out)
{
    const struct history_ring *ring;
    struct lay_moment *room;
    bool ok = true;
    uint32_t i;

    memset(out, 0, sizeof(*out));
    CHECK(is_sane(range));
    if (lim->file.lay == NULL)
        return false;
    room = malloc(PIECE * sizeof(*room));
    CHECK(room != NULL);
    ring = choose(range->from_s, range->now_s);
    out->ring = (uint32_t)(ring - history_rings);
    lay_out(ring, range, out);
    if (out->n > 0)
        ok = fill(lim, ring, out, room);
    free(room);
    forget_now(out, range->now_s);
    for (i = 0; i < out->n; i++)
        tell_quantiles(&out->steps[i]);
    out->kept_from_s =
        lim->first_s == 0
            ? 0
            : max_i64(lim->first_s,
                      oldest(&history_rings[HISTORY_RINGS - 1], range->now_s));
    return ok;
}
