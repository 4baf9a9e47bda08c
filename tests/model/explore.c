/*
 * explore.c - breadth first over all states, none of them twice.
 *
 * Of a state only a fingerprint of 64 bits is kept, and from which it was found
 * first; its form waits in a line until its moves were made, and is forgotten
 * then.  So a state costs some 20 bytes, and two with one fingerprint would be
 * taken for one: at 50 million states the odds are 1 in 15,000 that this happened
 * at all.  The way to a state is a shortest one; it is walked again, from the
 * first, by the fingerprints of those it passes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/explore.h"

struct line { /* forms, each behind its length */
    uint8_t *bytes;
    uint64_t used, size;
};

struct search {
    const struct game *game;
    struct line now, next; /* those of this depth, those of the one below */
    uint64_t *print;       /* of each state, in the order they were found, */
    uint32_t *parent;      /* and from which it was found */
    uint32_t *table;       /* number + 1, by fingerprint; 0: free */
    uint32_t mask, max;
    uint32_t at; /* the state whose moves are made */
    struct result r;
    uint32_t culprit; /* where the worst was found */
};

static void *room(void *p, size_t n, size_t size)
{
    p = p == NULL ? calloc(n, size) : realloc(p, n * size);
    if (p == NULL) {
        fprintf(stderr, "model: no memory for %zu x %zu bytes\n", n, size);
        exit(2);
    }
    return p;
}

static uint64_t mixed(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93U;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93U;
    return h ^ h >> 32;
}

static uint64_t fingerprint(const uint8_t *p, uint32_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15U ^ n, piece;

    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&piece, p, 8);
        h = mixed(h ^ piece) + 0x9e3779b97f4a7c15U;
    }
    piece = 0;
    memcpy(&piece, p, n);
    return mixed(h ^ piece);
}

/* ---- what is known ----------------------------------------------------------- */

/* The place of a fingerprint in the table: its own, or a free one. */
static uint32_t *place(const struct search *s, uint64_t print)
{
    uint32_t i = (uint32_t)print & s->mask;

    for (; s->table[i] != 0; i = (i + 1) & s->mask)
        if (s->print[s->table[i] - 1] == print)
            break;
    return &s->table[i];
}

/* Twice as large, before it is so full that looking takes long. */
static void make_room(struct search *s)
{
    if (s->table != NULL && s->r.states < s->mask / 4 * 3)
        return;
    s->mask = s->table == NULL ? 0xffff : 2 * s->mask + 1;
    free(s->table);
    s->table = room(NULL, (size_t)s->mask + 1, sizeof(*s->table));
    for (uint32_t i = 0; i < s->r.states; i++)
        *place(s, s->print[i]) = i + 1;
}

static void line_up(struct line *l, const uint8_t *form, uint32_t n)
{
    uint16_t length = (uint16_t)n;

    if (l->used + sizeof(length) + n > l->size) {
        l->size = l->size == 0 ? 1 << 20 : 2 * l->size;
        l->bytes = room(l->bytes, l->size, 1);
    }
    memcpy(l->bytes + l->used, &length, sizeof(length));
    memcpy(l->bytes + l->used + sizeof(length), form, n);
    l->used += sizeof(length) + n;
}

static void take(const uint8_t *form, uint32_t n, enum found broken,
                 const char *what, void *arg)
{
    struct search *s = arg;
    uint64_t print = fingerprint(form, n);
    uint32_t *here;

    (void)what;
    if (s->r.found != FOUND_NOTHING)
        return;
    s->r.moves++;
    here = place(s, print);
    if (*here != 0)
        return;
    if (s->r.states == s->max) {
        s->r.found = FOUND_LIMIT;
        return;
    }
    line_up(&s->next, form, n);
    s->print[s->r.states] = print;
    s->parent[s->r.states] = s->at;
    s->culprit = s->r.states;
    *here = ++s->r.states;
    make_room(s);
    s->r.found = broken;
}

/* ---- the way to a state ------------------------------------------------------- */

struct step {
    uint64_t print; /* of the state that is looked for */
    uint8_t form[FORM_MAX];
    uint32_t n;
    bool found;
};

static void tell(const uint8_t *form, uint32_t n, enum found broken,
                 const char *what, void *arg)
{
    struct step *step = arg;

    (void)broken;
    if (step->found || fingerprint(form, n) != step->print)
        return;
    step->found = true;
    step->n = n;
    memcpy(step->form, form, n);
    printf("    %s\n", what);
}

static void print_way(const struct search *s, uint32_t to)
{
    uint32_t *way = room(NULL, s->r.states, sizeof(*way)), n = 0;
    struct step from = {0};

    for (uint32_t i = to; i != 0; i = s->parent[i])
        way[n++] = i;
    from.n = s->game->first(from.form);
    while (n-- > 0) {
        struct step step = {.print = s->print[way[n]]};

        s->game->next(from.form, from.n, tell, &step);
        s->game->print(step.form, step.n);
        from = step;
    }
    free(way);
}

/* ---- the search ---------------------------------------------------------------- */

static void look_for_leak(struct search *s, const uint8_t *form, uint32_t n)
{
    int ticks = 0;

    if (!s->game->relieved(form, n, &ticks)) {
        s->r.found = FOUND_LEAK;
        s->culprit = s->at;
    }
    if (ticks > s->r.longest)
        s->r.longest = ticks;
}

/* All of this depth. */
static void look_at_line(struct search *s, bool leaks)
{
    uint8_t form[FORM_MAX];
    uint16_t n;

    for (uint64_t i = 0; i < s->now.used; i += sizeof(n) + n, s->at++) {
        memcpy(&n, s->now.bytes + i, sizeof(n));
        memcpy(form, s->now.bytes + i + sizeof(n), n);
        if (leaks && s->game->relieved != NULL)
            look_for_leak(s, form, n);
        if (s->r.found != FOUND_NOTHING)
            return;
        s->game->next(form, n, take, s);
    }
}

struct result explore(const struct game *game, uint32_t states_max, bool leaks,
                      bool trace)
{
    struct search s = {.game = game, .max = states_max};
    uint8_t form[FORM_MAX] = {0};

    s.print = room(NULL, states_max, sizeof(*s.print));
    s.parent = room(NULL, states_max, sizeof(*s.parent));
    make_room(&s);
    take(form, game->first(form), FOUND_NOTHING, "", &s);
    while (s.next.used > 0 && s.r.found == FOUND_NOTHING) {
        struct line was = s.now;

        s.now = s.next;
        s.next = was;
        s.next.used = 0;
        s.r.depth++;
        look_at_line(&s, leaks);
    }
    if (trace && s.r.found != FOUND_NOTHING)
        print_way(&s, s.culprit);
    free(s.now.bytes);
    free(s.next.bytes);
    free(s.print);
    free(s.parent);
    free(s.table);
    return s.r;
}
