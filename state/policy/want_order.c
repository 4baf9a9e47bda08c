/*
 * want_order.c - in which order would a request have its choices?
 *
 * By their ranks, as the settings have them; before those what remembers its
 * conversation; behind all the rest what it failed at.
 */
#include "state/policy/want_order.h"

#include <string.h>

#include "state/policy/draft.h"
#include "state/policy/layout.h"

#define PATIENCE_MAX 60000 /* ten minutes, in its unit */
#define SHUN_NS      (10 * NS_PER_S)

uint16_t want_order_patience(int64_t ns)
{
    return (uint16_t)max_i64(0, min_i64(ns / WANTS_PATIENCE_NS, PATIENCE_MAX));
}

void want_order_sort(struct lay_want *w)
{
    uint32_t i, k;

    for (i = 1; i < w->n; i++) {
        struct lay_choice c = w->choice[i];

        for (k = i; k > 0 && w->choice[k - 1].rank > c.rank; k--)
            w->choice[k] = w->choice[k - 1];
        w->choice[k] = c;
    }
}

static void be_patient(struct lay_choice *c, uint16_t patience)
{
    if (c->patience < patience)
        c->patience = patience;
}

void want_order_prefer(const struct layout *lay, struct lay_want *w,
                       uint32_t upstream, int64_t patience_ns)
{
    const struct lay_choice first = w->choice[0];
    uint32_t i = 0, k;

    while (i < w->n && w->choice[i].upstream != upstream)
        i++;
    if (i == w->n || first.model >= LAY_MODELS ||
        w->choice[i].model >= LAY_MODELS ||
        strcmp(lay->models[first.model].text,
               lay->models[w->choice[i].model].text) != 0)
        return;
    for (k = 0; k < w->n; k++)
        if (w->choice[k].rank < WANT_RANK_MAX)
            w->choice[k].rank++;
    w->choice[i].rank = 0;
    be_patient(&w->choice[i], want_order_patience(patience_ns));
}

/* ---- what failed ---------------------------------------------------------------- */

static bool is_in(const struct lay_choice *c, uint32_t numbers)
{
    return c->number < 32 && (numbers >> c->number & 1) != 0;
}

/* Its mark stays with the choice that it is of. */
static void sort_marked(struct lay_want *w)
{
    uint32_t number = w->mark > 0 ? w->choice[w->mark - 1].number : 0, k;

    want_order_sort(w);
    for (k = 0; k < w->n && w->mark > 0; k++)
        if (w->choice[k].number == number)
            w->mark = (uint16_t)(k + 1);
}

bool want_order_shun(struct layout *lay, uint32_t row, uint32_t numbers)
{
    struct lay_want *w = want_at(lay, row), new = *w;
    uint32_t k, others = 0;

    if (w->n > LIMITER_CHOICES || w->mark > w->n)
        sigbus_damaged("choices");
    for (k = 0; k < new.n; k++) {
        if (is_in(&new.choice[k], numbers)) {
            new.choice[k].rank = WANT_RANK_MAX;
            new.choice[k].patience = 0;
        } else {
            be_patient(&new.choice[k], want_order_patience(SHUN_NS));
            others++;
        }
    }
    if (others == 0)
        return false;
    sort_marked(&new);
    draft_put(lay, w, &new, sizeof(new));
    return true;
}
