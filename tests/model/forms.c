/*
 * forms.c - a world as bytes, for the explorer's table.
 *
 * Two worlds that differ in nothing that can matter have the same form: a lease
 * that nobody knows any more is gone, and leases stand in one order.  The form
 * leaves out the zeros, of which a world mostly consists.
 *
 *   a bit for each eight bytes of the world: any but zero?
 *   for each of those: a bit for each byte; then the bytes themselves
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/explore.h"
#include "tests/model/world.h"

static_assert(sizeof(struct world) * 9 / 8 + 16 < FORM_MAX, "forms fit");

enum { EIGHTS = (sizeof(struct world) + 7) / 8, HEAD = (EIGHTS + 7) / 8 };

/* Would what call C says of it change anything, though no store knows it? */
static bool is_news(const struct world *w, const struct lease *l, int c)
{
    const struct call *call = &w->call[c];

    switch ((enum says)l->says[c].what) {
    case SAYS_NOT:
    case SAYS_SENT:
    case SAYS_BACK:
    case SAYS_LOST:
        return false;
    case SAYS_RENEW:
    case SAYS_HOLD:
    case SAYS_NEW:
        break;
    }
    return call->is == IS_ANSWERED && l->says[c].ticks > call->since;
}

/* Can it still matter to anybody?  A mutant may make much of little. */
static bool is_known(const struct world *w, const struct lease *l)
{
    bool all = mutant == RENEW_REVIVES || mutant == BACK_TAKES_ANY ||
               mutant == NO_CHECK || mutant == END_FROM_ANSWER;

    for (int k = 0; k < STORES; k++)
        if (l->at[k].is != IN_NONE)
            return true;
    for (int c = 0; c < CALLS; c++)
        if (is_news(w, l, c) || (all && l->says[c].what != SAYS_NOT))
            return true;
    return l->left > 0 || l->has == HAS_CHECKED || (all && l->has != HAS_NOT);
}

/* Few, and mostly in order already. */
static void sort_leases(struct world *w)
{
    int n = 0;

    for (int i = 0; i < LEASES; i++) {
        struct lease l = w->lease[i];
        int j = n;

        if (!is_known(w, &l)) {
            memset(&w->lease[i], 0, sizeof(l));
            continue;
        }
        memset(&w->lease[i], 0, sizeof(l));
        for (; j > 0 && memcmp(&w->lease[j - 1], &l, sizeof(l)) < 0; j--)
            w->lease[j] = w->lease[j - 1];
        w->lease[j] = l;
        n++;
    }
}

static int by_age(const void *a, const void *b)
{
    return memcmp(b, a, 2);
}

/* Only which epoch is higher matters. */
static void rank_epochs(struct world *w, int h)
{
    int8_t *all[1 + 2 + STORES], was[1 + 2 + STORES];
    int n = 0;

    all[n++] = &w->host[h].epoch;
    for (int c = 2 * h; c < 2 * h + 2; c++)
        if (w->call[c].is != IS_NOT && w->call[c].who == h)
            all[n++] = &w->call[c].epoch;
    for (int k = 0; k < STORES; k++)
        if (w->store[k].of[h].is)
            all[n++] = &w->store[k].of[h].epoch;
    for (int i = 0; i < n; i++)
        was[i] = *all[i];
    for (int i = 0; i < n; i++) {
        int rank = 0;

        for (int j = 0; j < n; j++) {
            bool again = false;

            for (int m = 0; m < j; m++)
                again |= was[m] == was[j];
            rank += was[j] < was[i] && !again;
        }
        *all[i] = (int8_t)rank;
    }
}

static void settle_down(struct world *w)
{
    for (int i = 0; i < LEASES; i++) {
        struct lease *l = &w->lease[i];

        if (l->has != HAS_SENT)
            l->age = 0;
        if (l->has == HAS_NOT || l->has == HAS_SENT)
            l->left = 0;
        if (l->has != HAS_IT)
            l->wait = 0;
    }
    for (int h = 0; h < setup->hosts; h++)
        rank_epochs(w, h);
    sort_leases(w);
    qsort(w->send, (size_t)w->sends, sizeof(w->send[0]), by_age);
}

uint32_t form_make(struct world *w, uint8_t *form)
{
    uint8_t bytes[8 * EIGHTS] = {0};
    static const uint8_t zeros[8];
    uint32_t at = HEAD;

    settle_down(w);
    memcpy(bytes, w, sizeof(*w));
    memset(form, 0, HEAD);
    for (uint32_t i = 0; i < EIGHTS; i++) {
        uint32_t mask_at = at;

        if (memcmp(bytes + 8 * i, zeros, 8) == 0)
            continue;
        form[at] = 0;
        for (uint32_t j = 0; j < 8; j++) {
            if (bytes[8 * i + j] == 0)
                continue;
            form[mask_at] = (uint8_t)(form[mask_at] | 1U << j);
            form[++at] = bytes[8 * i + j];
        }
        form[i / 8] = (uint8_t)(form[i / 8] | 1U << i % 8);
        at++;
    }
    return at;
}

static void form_read(struct world *w, const uint8_t *form)
{
    uint8_t bytes[8 * EIGHTS] = {0};
    const uint8_t *at = form + HEAD;

    for (uint32_t i = 0; i < EIGHTS; i++) {
        uint8_t mask;

        if ((form[i / 8] >> i % 8 & 1) == 0)
            continue;
        mask = *at++;
        for (uint32_t j = 0; j < 8; j++)
            if (mask >> j & 1)
                bytes[8 * i + j] = *at++;
    }
    memcpy(w, bytes, sizeof(*w));
}

/* ---- the game of leases ------------------------------------------------------ */

static uint32_t first(uint8_t *form)
{
    struct world w = {0};

    move_start(&w);
    return form_make(&w, form);
}

struct taker { /* of worlds, for one of forms */
    game_take *take;
    void *arg;
};

static void take(const struct world *next, const char *what, void *arg)
{
    static const enum found broken[] = {FOUND_NOTHING, FOUND_EXCESS,
                                        FOUND_SMALL};
    const struct taker *t = arg;
    struct world w = *next;
    uint8_t form[FORM_MAX];
    uint32_t n = form_make(&w, form);

    t->take(form, n, broken[w.broken], what, t->arg);
}

static void next(const uint8_t *form, uint32_t n, game_take *to, void *arg)
{
    struct taker t = {to, arg};
    struct world w;

    (void)n;
    form_read(&w, form);
    moves(&w, take, &t);
}

static bool relieved(const uint8_t *form, uint32_t n, int *ticks)
{
    struct world w;

    (void)n;
    form_read(&w, form);
    return relief_comes(&w, ticks);
}

static void print(const uint8_t *form, uint32_t n)
{
    struct world read, *w = &read;

    (void)n;
    form_read(w, form);
    for (int i = 0; i < LEASES; i++) {
        const struct lease *l = &w->lease[i];

        if (is_known(w, l))
            printf("      lease %d: host %d %s %d, store %d/%d, other %d/%d\n",
                   i, l->owner,
                   (const char *[]){"not", "has", "checked", "sent",
                                    "back"}[l->has],
                   l->has == HAS_SENT ? l->age : l->left, l->at[0].is,
                   l->at[0].left, l->at[1].is, l->at[1].left);
    }
}

const struct game lease_game = {first, next, relieved, print};
