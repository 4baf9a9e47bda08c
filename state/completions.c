/*
 * completions.c - what have this worker's requests to tell?
 *
 * fcgi/ notes between turns what is over; the next turn counts it for all
 * (counters.c).  A turn that is cut short by a damaged file keeps them all: they
 * are counted in the next one.  While no file can be had they
 * pile up here, within a bound; beyond it the counts are short.
 */
#include <string.h>

#include "state/completions.h"
#include "state/policy/names.h"
#include "state/stats.h"
#include "state/stats/counters.h"
#include "state/stats/figures.h"
#include "state/upstream_map.h"
#include "state/worker.h"

#define NOTES_FEW 16   /* room that is kept */
#define NOTES_MAX 4096 /* 3 MB; the state is away for long then */

/* Room for one more of SIZE bytes in LIST, or NULL. */
static void *one_more(void **list, uint32_t *n, uint32_t *max, size_t size)
{
    if (*n == *max) {
        if (*max >= NOTES_MAX)
            return NULL;
        *max = *max > 0 ? *max * 2 : NOTES_FEW;
        *list = realloc(*list, *max * size);
        CHECK(*list != NULL);
    }
    return (char *)*list + (*n)++ * size;
}

void limiter_note(struct limiter *lim, const struct limiter_note *note)
{
    void *list = lim->notes;
    struct completion *at =
        one_more(&list, &lim->n_notes, &lim->notes_max, sizeof(*at));

    lim->notes = list;
    if (at != NULL)
        *at = (struct completion){*note, NONE, NONE, NONE};
}

void limiter_note_attempt(struct limiter *lim, const struct limiter_attempt *a)
{
    void *list = lim->tries;
    void *at = one_more(&list, &lim->n_tries, &lim->tries_max, sizeof(*a));

    lim->tries = list;
    if (at != NULL)
        memcpy(at, a, sizeof(*a));
}

/* Names that have no row any more, or never had one, get none here. */
void completions_resolve(struct limiter *lim)
{
    struct layout *lay = lim->file.lay;
    uint32_t i;

    for (i = 0; i < lim->n_notes; i++) {
        struct completion *c = &lim->notes[i];
        const struct limiter_note *n = &c->note;

        c->owner = upstream_map_of(lim, n->upstream);
        c->client = names_find_client(lay, n->client);
        c->model = n->model[0] != '\0' && c->owner < LAY_UPSTREAMS
                       ? names_find_model(lay, c->owner, n->model)
                       : NONE;
    }
}

/* An upstream's name, which goes with what it answered wherever its row is. */
static const char *name_of(const struct limiter *lim, uint32_t upstream)
{
    return upstream < lim->set.n_upstreams ? lim->set.rules[upstream].name : "";
}

static void count_refusal(const struct limiter *lim, struct stats_layout *st,
                          const struct limiter_attempt *a)
{
    static const struct upstream_answer one = {1, -1, -1, 0, 0};

    if (a->error == UPSTREAM_RATE)
        counters_answered(st, upstream_map_of(lim, a->upstream),
                          name_of(lim, a->upstream), &one);
}

static void count_tokens(const struct limiter *lim, struct stats_layout *st,
                         const struct completion *c)
{
    const struct upstream_answer n = {0, c->note.tokens_in, c->note.tokens_out,
                                      note_is_answer(&c->note),
                                      note_is_told(&c->note)};

    if (n.answers > 0 || n.tokens_in > 0 || n.tokens_out > 0)
        counters_answered(st, c->owner, name_of(lim, c->note.upstream), &n);
}

/* Sends first: with its first success a provider has a name. */
void completions_apply(struct limiter *lim, struct stats_layout *st)
{
    uint32_t i;

    for (i = 0; i < lim->n_tries; i++) {
        counters_attempt(st, &lim->tries[i]);
        count_refusal(lim, st, &lim->tries[i]);
    }
    for (i = 0; i < lim->n_notes; i++) {
        const struct completion *c = &lim->notes[i];
        const struct figures_of who = {c->client, c->model, c->owner,
                                       c->note.client, c->note.model};

        counters_note(st, &c->note, &who, lim->now);
        count_tokens(lim, st, c);
    }
    lim->n_tries = lim->n_notes = 0;
}

void completions_free(struct limiter *lim)
{
    free(lim->notes);
    free(lim->tries);
    lim->notes = NULL;
    lim->tries = NULL;
    lim->n_notes = lim->notes_max = lim->n_tries = lim->tries_max = 0;
}

void completions_trim(struct limiter *lim)
{
    if (lim->n_notes == 0 && lim->n_tries == 0 &&
        (lim->notes_max > 8 * NOTES_FEW || lim->tries_max > 8 * NOTES_FEW))
        completions_free(lim);
}
