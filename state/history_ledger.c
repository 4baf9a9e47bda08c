/*
 * history_ledger.c - what did models, or clients, do between two moments?
 *
 *   fcgi/pages/history_page.c --> limiter_history_grain()
 *                                 limiter_history_ledger()
 *
 * As history.c, of rows that lie in the order they were begun in: all of a pool
 * are looked at, in pieces, and those of the range are copied.  So a clock that
 * jumped hides none.  Which pool: the finest that has lost nothing since the
 * begin of the range.
 */
#include <stdlib.h>
#include <string.h>

#include "state/history.h"
#include "state/section.h"
#include "state/stats/ledger.h"
#include "state/worker.h"

#define PIECE 400 /* rows: 51 KB */
#define TRIES 20  /* as in history.c */

_Static_assert(PAST_DEEDS == LEDGER_NAMES + 1, "all of them, and the others");
_Static_assert((int)PAST_MODELS == (int)LEDGER_MODELS &&
                   (int)PAST_CLIENTS == (int)LEDGER_CLIENTS,
               "the same, for those above");

struct reading {
    struct limiter *lim;
    uint32_t ledger, pool;
    const struct limiter_past *past;
    uint32_t only; /* the one that is asked for; 0: all */
    uint64_t number, end;
    uint32_t n;
    struct lay_ledger_row rows[PIECE];
    /* Looked at once, with the first piece. */
    bool begun;
    int64_t first_s, reach_s;
    uint32_t ids[LEDGER_NAMES];
    char names[LEDGER_NAMES][LIMITER_NAME_MAX];
};

static const struct lay_ledger *ledger_of(const struct limiter *lim,
                                          uint32_t ledger)
{
    return &lim->stats.lay->ledgers[ledger];
}

static bool in_section(struct limiter *lim, void (*fn)(void *), void *arg)
{
    int tries = 0;

    while (!section_stats(lim, 0, fn, arg))
        if (lim->file.lay == NULL || ++tries == TRIES)
            return false;
    return true;
}

/* ---- which pool ------------------------------------------------------------- */

struct reaches {
    struct limiter *lim;
    uint32_t ledger;
    int64_t of[LEDGER_POOLS];
};

/* Needs the lock. */
static void look_at_reaches(void *arg)
{
    struct reaches *r = arg;
    uint32_t i;

    for (i = 0; i < LEDGER_POOLS; i++)
        r->of[i] = ledger_reach(ledger_of(r->lim, r->ledger), i);
}

/* Of the seconds of days nobody wants to see each, nor can a pool tell it. */
static bool reaches(const struct reaches *r, uint32_t pool, int64_t from_s)
{
    return r->of[pool] <= from_s + ledger_pools[pool].step_s;
}

/* Nor what the same range has without names: as many seconds, minutes. */
static bool is_far(const struct past_range *range, uint32_t pool)
{
    static const int64_t most_s[LEDGER_POOLS] = {HISTORY_SECONDS,
                                                 HISTORY_MINUTES * 60, 0};

    return most_s[pool] > 0 && range->now_s - range->from_s > most_s[pool];
}

bool limiter_history_grain(struct limiter *lim, enum past_whose whose,
                           struct past_range *range, uint32_t *pool)
{
    struct reaches r = {.lim = lim, .ledger = (uint32_t)whose};

    *pool = 0;
    if (lim->file.lay == NULL || !in_section(lim, look_at_reaches, &r))
        return false;
    while (*pool + 1 < LEDGER_POOLS &&
           (!reaches(&r, *pool, range->from_s) || is_far(range, *pool)))
        (*pool)++;
    range->grain_s = ledger_pools[*pool].step_s;
    return true;
}

/* ---- reading ------------------------------------------------------------------ */

/* Needs the lock. */
static void look_at_names(struct reading *r, const struct lay_ledger *l)
{
    uint32_t i;

    r->begun = true;
    r->first_s = rings_is_time(l->first_s) ? l->first_s : 0;
    r->reach_s = ledger_reach(l, r->pool);
    r->number = r->end = l->pools[r->pool].next;
    memcpy(r->ids, l->ids, sizeof(r->ids));
    for (i = 0; i < LEDGER_NAMES; i++)
        if (r->ids[i] != 0 && ledger_is_name(l->names[i].text))
            memcpy(r->names[i], l->names[i].text, sizeof(r->names[i]));
        else
            r->ids[i] = 0;
}

static bool is_wanted(const struct reading *r, const struct lay_ledger_row *row)
{
    int64_t end = r->past->from_s + r->past->n * r->past->step_s, t;

    return ledger_row_is(row, r->pool, &t) && t >= r->past->from_s && t < end &&
           (r->only == 0 || row->id == r->only);
}

/* Needs the lock.  NUMBER 0: that was all. */
static void copy_piece(void *arg)
{
    struct reading *r = arg;
    const struct lay_ledger *l = ledger_of(r->lim, r->ledger);
    const struct lay_ledger_row *row;
    uint32_t i;

    if (!r->begun)
        look_at_names(r, l);
    r->n = 0;
    for (i = 0; i < PIECE && r->number > 0; i++) {
        row = ledger_row(l, r->pool, --r->number);
        if (row == NULL)
            r->number = 0; /* older ones are gone */
        else if (is_wanted(r, row))
            r->rows[r->n++] = *row;
    }
}

/* ---- putting steps together ----------------------------------------------------- */

static void *room(uint32_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);

    CHECK(p != NULL);
    return p;
}

/* What has no name here is the others'. */
static struct past_deeds *deeds_of(const struct reading *r,
                                   struct past_ledger *out, uint32_t id)
{
    uint32_t i;

    for (i = 0; i < out->n; i++)
        if (out->of[i].id == id)
            return &out->of[i];
    for (i = 0; i < LEDGER_NAMES && r->ids[i] != id;)
        i++;
    if (i == LEDGER_NAMES || id == 0)
        return &out->others;
    out->of[out->n].id = id;
    memcpy(out->of[out->n].name, r->names[i], LIMITER_NAME_MAX);
    return &out->of[out->n++];
}

static void add_counts(uint64_t *sum, const struct lay_ledger_row *row)
{
    sum[PAST_REQUESTS] += row->requests;
    sum[PAST_OK] += row->ok;
    sum[PAST_ERRORS] += row->errors;
    sum[PAST_REFUSED] += row->refused;
    sum[PAST_STREAMS] += row->streams;
    sum[PAST_SENDS] += row->sends;
    sum[PAST_ANSWERS] += row->answers;
    sum[PAST_TOLD] += row->told;
    sum[PAST_TOKENS_IN] += row->tokens_in;
    sum[PAST_TOKENS_OUT] += row->tokens_out;
    sum[PAST_BYTES_IN] += row->bytes_in;
    sum[PAST_BYTES_OUT] += row->bytes_out;
}

static void add_took(struct past_took *sum, const struct lay_ledger_row *row)
{
    uint32_t i;

    sum->queue_ms += row->queue_ms;
    sum->first_byte_ms += row->first_byte_ms;
    sum->answer_ms += row->answer_ms;
    sum->queue_n += row->queue_n;
    sum->first_byte_n += row->first_byte_n;
    sum->answer_n += row->answer_n;
    for (i = 0; i < PAST_BUCKETS; i++) {
        sum->counts[BAND_QUEUE][i] += row->queue[i];
        sum->counts[BAND_FIRST_BYTE][i] += row->first_byte[i];
    }
}

static void add_piece(const struct reading *r, struct past_ledger *out)
{
    const struct limiter_past *past = r->past;
    struct past_deeds *d;
    uint32_t i, k;
    int64_t t;

    for (i = 0; i < r->n; i++) {
        d = deeds_of(r, out, r->rows[i].id);
        if (d->steps == NULL)
            d->steps = room(past->n, sizeof(*d->steps));
        if (d->took == NULL && r->only != 0)
            d->took = room(past->n, sizeof(*d->took));
        (void)ledger_row_is(&r->rows[i], r->pool, &t);
        k = (uint32_t)((t - past->from_s) / past->step_s);
        d->requests += r->rows[i].requests;
        add_counts(d->steps[k], &r->rows[i]);
        if (d->took != NULL)
            add_took(&d->took[k], &r->rows[i]);
    }
}

static void tell_quantiles(struct past_took *t)
{
    int64_t queue = (int64_t)t->queue_ms * 1000,
            byte = (int64_t)t->first_byte_ms * 1000;

    t->queue_p50_us = quantiles_quantile(BAND_QUEUE, t->counts[0], queue, 50);
    t->queue_p95_us = quantiles_quantile(BAND_QUEUE, t->counts[0], queue, 95);
    t->first_byte_p50_us =
        quantiles_quantile(BAND_FIRST_BYTE, t->counts[1], byte, 50);
    t->first_byte_p95_us =
        quantiles_quantile(BAND_FIRST_BYTE, t->counts[1], byte, 95);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct past_deeds *)a)->name,
                  ((const struct past_deeds *)b)->name);
}

/* Of a name that lost its place the number may be another's by now: what is
 * wanted is told only if it is still called so. */
static void finish(const struct reading *r, struct past_ledger *out)
{
    uint32_t i, k;

    for (i = 0; i < out->n; i++)
        for (k = 0; k < r->past->n && out->of[i].took != NULL; k++)
            tell_quantiles(&out->of[i].took[k]);
    qsort(out->of, out->n, sizeof(*out->of), by_name);
    out->kept_from_s = r->first_s == 0 ? 0 : max_i64(r->first_s, r->reach_s);
}

bool limiter_history_ledger(struct limiter *lim, enum past_whose whose,
                            uint32_t pool, const struct limiter_past *past,
                            const char *name, struct past_ledger *out)
{
    struct reading *r = room(1, sizeof(*r));
    bool ok = lim->file.lay != NULL;

    memset(out, 0, sizeof(*out));
    r->lim = lim;
    r->ledger = (uint32_t)whose;
    r->pool = pool;
    r->past = past;
    r->only = name != NULL ? ledger_id(name) : 0;
    do {
        ok = ok && in_section(lim, copy_piece, r);
        if (ok)
            add_piece(r, out);
    } while (ok && r->number > 0);
    finish(r, out);
    free(r);
    return ok;
}

void past_ledger_free(struct past_ledger *out)
{
    uint32_t i;

    for (i = 0; i < out->n; i++) {
        free(out->of[i].steps);
        free(out->of[i].took);
    }
    free(out->others.steps);
    free(out->others.took);
}
