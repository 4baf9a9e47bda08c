/*
 * history_trails.c - where did requests go between two moments?
 *
 *   fcgi/pages/history_page.c --> limiter_history_trails()
 *
 * As history.c, of the trails: in pieces, for the steps that were laid out
 * there.  A trail that was given to another name meanwhile ends where it did.
 */
#include <string.h>

#include "state/history.h"
#include "state/section.h"
#include "state/worker.h"

#define PIECE 200 /* places: 64 KB where all names are in use */
#define TRIES 20  /* as in history.c */

struct reading {
    struct limiter *lim;
    const struct history_ring *ring;
    struct past_trails *out;
    int64_t at; /* of the first place wanted */
    uint32_t n;
    struct lay_trail_step (*to)[PIECE]; /* of each trail */
    char names[TRAILS][TRAIL_NAME_SIZE];
};

/* Needs the lock. */
static void copy_trail(struct reading *r, const struct lay_trail *trail,
                       struct lay_trail_step *to)
{
    uint32_t i;

    for (i = 0; i < r->n; i++) {
        int64_t t = r->at + i * r->ring->step_s;

        to[i] = trail->steps[rings_place(r->ring, t)];
        if (to[i].when != trails_when(r->ring, t))
            memset(&to[i], 0, sizeof(to[i]));
    }
}

/* Needs the lock. */
static void copy_piece(void *arg)
{
    struct reading *r = arg;
    const struct lay_trails *t = &r->lim->stats.lay->trails;
    uint32_t i;

    r->out->kept_from_s = rings_is_time(t->first_s) ? t->first_s : 0;
    for (i = 0; i < TRAILS; i++) {
        const struct lay_trail *trail = &t->of[i];

        memset(r->names[i], 0, TRAIL_NAME_SIZE);
        if (!trails_is_name(trail->name))
            continue;
        memcpy(r->names[i], trail->name, TRAIL_NAME_SIZE);
        copy_trail(r, trail, r->to[i]);
    }
}

static bool read_piece(struct reading *r)
{
    int tries = 0;

    while (!section_stats(r->lim, 0, copy_piece, r))
        if (r->lim->file.lay == NULL || ++tries == TRIES)
            return false;
    return true;
}

static void add(struct past_went_step *sum, const struct lay_trail_step *s)
{
    sum->sends += s->sends;
    sum->refused += s->refused;
    sum->tokens_in += s->tokens_in;
    sum->tokens_out += s->tokens_out;
}

/* NAME's place in OUT, made if need be. */
static struct past_went *went_of(struct past_trails *out, const char *name)
{
    uint32_t i;

    for (i = 0; i < out->n; i++)
        if (strcmp(out->of[i].name, name) == 0)
            return &out->of[i];
    if (out->n == LIMITER_UPSTREAMS)
        return NULL;
    memcpy(out->of[out->n].name, name, TRAIL_NAME_SIZE);
    return &out->of[out->n++];
}

static void add_piece(const struct reading *r, const struct limiter_past *past)
{
    struct past_went *went = NULL;
    uint32_t i, k;

    for (i = 0; i < TRAILS; i++, went = NULL)
        for (k = 0; k < r->n && r->names[i][0] != '\0'; k++) {
            int64_t t = r->at + k * r->ring->step_s;

            if (r->to[i][k].when == 0)
                continue;
            if (went == NULL)
                went = went_of(r->out, r->names[i]);
            if (went != NULL)
                add(&went->steps[(t - past->from_s) / past->step_s],
                    &r->to[i][k]);
        }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct past_went *)a)->name,
                  ((const struct past_went *)b)->name);
}

bool limiter_history_trails(struct limiter *lim,
                            const struct limiter_past *past,
                            struct past_trails *out)
{
    struct reading r = {.lim = lim,
                        .ring = &history_rings[past->ring],
                        .out = out,
                        .to = malloc(TRAILS * sizeof(*r.to))};
    int64_t end = past->from_s + past->n * past->step_s;
    int64_t first = lim->first_s - lim->first_s % r.ring->step_s, t;
    bool ok = lim->file.lay != NULL;

    CHECK(r.to != NULL);
    memset(out, 0, sizeof(*out));
    for (t = max_i64(past->from_s, first); t < end && ok;
         t += r.n * r.ring->step_s) {
        r.at = t;
        r.n = (uint32_t)min_i64(PIECE, (end - t) / r.ring->step_s);
        ok = read_piece(&r);
        if (ok)
            add_piece(&r, past);
    }
    free(r.to);
    qsort(out->of, out->n, sizeof(*out->of), by_name);
    return ok;
}
