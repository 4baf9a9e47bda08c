/*
 * explore.c - breadth first over all states, none of them twice.
 *
 * Forms lie one after another in one piece of memory, in the order in which they
 * were found, which is also the order in which they are looked at.  A table of
 * their numbers, by hash, tells what is there already; equal is only what has
 * equal bytes.  Each knows from which it was found first, so the way to a state
 * is a shortest one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/explore.h"
#include "tests/model/world.h"

struct search {
    uint8_t *bytes; /* all forms */
    uint64_t used, size;
    uint64_t *at;     /* of each state, where its form is */
    uint32_t *parent; /* and from which it was found */
    uint32_t *table;  /* number + 1; 0: free */
    uint32_t mask, max;
    uint32_t now; /* the state whose moves are made */
    bool trace;
    struct result r;
    uint32_t culprit; /* where the worst was found */
};

static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL) {
        fprintf(stderr, "model: no memory for %zu x %zu bytes\n", n, size);
        exit(2);
    }
    return p;
}

static uint64_t hash(const uint8_t *p, uint32_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15U ^ n;

    for (uint32_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3U;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9U;
    return h ^ h >> 32;
}

/* The form's place in the table: of its equal, or a free one. */
static uint32_t *place(const struct search *s, const uint8_t *form, uint32_t n)
{
    uint32_t i = (uint32_t)hash(form, n) & s->mask;

    for (; s->table[i] != 0; i = (i + 1) & s->mask)
        if (memcmp(s->bytes + s->at[s->table[i] - 1], form, n) == 0)
            break;
    return &s->table[i];
}

static void keep(struct search *s, const uint8_t *form, uint32_t n)
{
    /* Two lengths: no comparison of forms reads beyond the end. */
    if (s->used + 2 * (uint64_t)(2 * FORM_MAX) > s->size) {
        s->size *= 2;
        s->bytes = realloc(s->bytes, s->size);
        if (s->bytes == NULL)
            exit(2);
    }
    memcpy(s->bytes + s->used, form, n);
    s->at[s->r.states] = s->used;
    s->parent[s->r.states] = s->now;
    s->used += n;
    s->r.states++;
}

static void take(const struct world *next, const char *what, void *arg)
{
    struct search *s = arg;
    struct world w = *next;
    uint8_t form[2 * FORM_MAX];
    uint32_t n, *here;

    (void)what;
    if (s->r.found != FOUND_NOTHING)
        return;
    s->r.moves++;
    n = form_make(&w, form);
    here = place(s, form, n);
    if (*here != 0)
        return;
    if (s->r.states == s->max) {
        s->r.found = FOUND_LIMIT;
        return;
    }
    keep(s, form, n);
    *here = s->r.states;
    s->culprit = s->r.states - 1;
    if (w.broken)
        s->r.found = w.broken == 1 ? FOUND_EXCESS : FOUND_SMALL;
}

/* ---- the way to a state ------------------------------------------------------- */

struct step {
    const uint8_t *form;
    bool told;
};

static void tell(const struct world *next, const char *what, void *arg)
{
    struct step *step = arg;
    struct world w = *next;
    uint8_t form[2 * FORM_MAX];
    uint32_t n = form_make(&w, form);

    if (step->told || n != form_bytes(step->form) ||
        memcmp(form, step->form, n) != 0)
        return;
    step->told = true;
    printf("    %s\n", what);
}

static void print_way(const struct search *s, uint32_t to)
{
    uint32_t *way = room(s->r.states, sizeof(*way)), n = 0;
    struct world w;

    for (uint32_t i = to; i != 0; i = s->parent[i])
        way[n++] = i;
    form_read(&w, s->bytes + s->at[0]);
    while (n-- > 0) {
        struct step step = {s->bytes + s->at[way[n]], false};

        moves(&w, tell, &step);
        form_read(&w, step.form);
        world_print(&w);
    }
    free(way);
}

/* ---- the search ---------------------------------------------------------------- */

static void look_for_leak(struct search *s, const struct world *w)
{
    int ticks = 0;

    if (s->r.found != FOUND_NOTHING)
        return;
    if (!relief_comes(w, &ticks)) {
        s->r.found = FOUND_LEAK;
        s->culprit = s->now;
    }
    s->r.longest = max_int(s->r.longest, ticks);
}

static void begin(struct search *s, uint32_t max)
{
    uint32_t slots = 1024;

    while (slots < max + max / 2)
        slots *= 2;
    s->max = max;
    s->mask = slots - 1;
    s->size = 1 << 20;
    s->bytes = room(s->size, 1);
    s->at = room(max, sizeof(*s->at));
    s->parent = room(max, sizeof(*s->parent));
    s->table = room(slots, sizeof(*s->table));
}

struct result explore(uint32_t states_max, bool leaks, bool trace)
{
    struct search s = {0};
    struct world w = {0};

    begin(&s, states_max);
    move_start(&w);
    take(&w, "", &s);
    for (s.now = 0; s.now < s.r.states && s.r.found == FOUND_NOTHING; s.now++) {
        form_read(&w, s.bytes + s.at[s.now]);
        if (leaks)
            look_for_leak(&s, &w);
        moves(&w, take, &s);
    }
    if (trace && s.r.found != FOUND_NOTHING)
        print_way(&s, s.culprit);
    s.r.bytes = s.used;
    free(s.bytes);
    free(s.at);
    free(s.parent);
    free(s.table);
    return s.r;
}
