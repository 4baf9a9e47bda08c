/*
 * main.c - searches each setup to its end, and finds each mutant.
 *
 *   model                    the short ones, and their mutants
 *   model --large            the large ones and their mutants, too (an hour, gigabytes)
 *   model SETUP              this one
 *   model SETUP MUTANT       this one broken so, with the shortest way to it
 *   model --list             their names
 *
 * MODEL_LARGE=1 is --large.  MODEL_STATES (100,000,000): how many states there is room for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/cases.h"
#include "tests/model/clock_cases.h"
#include "tests/model/explore.h"

const struct setup *setup;
enum mutant mutant;

static int passed, failed;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t states_max(void)
{
    const char *text = getenv("MODEL_STATES");
    unsigned long n = text == NULL ? 0 : strtoul(text, NULL, 10);

    return n == 0 || n > 400000000 ? 100000000 : (uint32_t)n;
}

static void count(bool fine)
{
    *(fine ? &passed : &failed) += 1;
}

/* ---- whole setups ------------------------------------------------------------ */

/* BOUND: no further than so many states, and that is no failure. */
static void whole(const struct game *game, const char *name, const char *what,
                  uint32_t bound, bool trace)
{
    static const char *const found[] = {
        "nothing found", "A WINDOW WITH MORE THAN THE LIMIT",
        "A WAITER WAITS FOR EVER", "not searched to the end",
        "more leases than the model has room for"};
    uint32_t max = states_max();
    double start = seconds();
    struct result r =
        explore(game, bound > 0 && bound < max ? bound : max, true, trace);
    bool enough = r.found == FOUND_LIMIT && r.states == bound;

    printf("  %-13s %9u states %10llu moves, %3d deep %6.1f s  a waiter <= %d "
           "ticks  %s: %s\n",
           name, r.states, (unsigned long long)r.moves, r.depth,
           seconds() - start, r.longest, what, found[r.found]);
    (void)fflush(stdout);
    count(r.found == FOUND_NOTHING || enough);
}

static void lease_whole(const struct setup *s, bool trace)
{
    setup = s;
    mutant = SOUND;
    whole(&lease_game, s->name, s->what, (uint32_t)s->bound, trace);
}

static void clock_whole(const struct clock_setup *s, bool trace)
{
    clock_setup = s;
    clock_mutant = CLOCK_SOUND;
    whole(&clock_game, s->name, s->what, 0, trace);
}

/* ---- mutants ------------------------------------------------------------------ */

static const struct setup *lease_named(const char *name)
{
    for (int i = 0; i < n_setups; i++)
        if (strcmp(setups[i].name, name) == 0)
            return &setups[i];
    return NULL;
}

static const struct clock_setup *clock_named(const char *name)
{
    for (int i = 0; i < n_clock_setups; i++)
        if (strcmp(clock_setups[i].name, name) == 0)
            return &clock_setups[i];
    return NULL;
}

static void broken(const struct game *game, const char *where, const char *name,
                   const char *what, enum found wanted, bool trace)
{
    struct result r = explore(game, states_max(), wanted == FOUND_LEAK, trace);

    if (r.found != wanted || trace)
        printf("  %s, in %s: %s: %s after %u states\n", name, where, what,
               r.found == wanted ? "found" : "NOT FOUND", r.states);
    (void)fflush(stdout);
    count(r.found == wanted);
}

static void lease_broken(const struct broken *b, bool trace)
{
    setup = lease_named(b->setup);
    mutant = b->mutant;
    broken(&lease_game, b->setup, b->name, b->what,
           b->leaks ? FOUND_LEAK : FOUND_EXCESS, trace);
}

static void clock_broken(const struct clock_broken *b, bool trace)
{
    clock_setup = clock_named(b->setup);
    clock_mutant = b->mutant;
    broken(&clock_game, b->setup, b->name, b->what, FOUND_EXCESS, trace);
}

/* ---- what is asked for ---------------------------------------------------------- */

static int list(void)
{
    for (int i = 0; i < n_setups; i++)
        printf("%-18s %s%s\n", setups[i].name, setups[i].what,
               setups[i].large ? " (large)" : "");
    for (int i = 0; i < n_clock_setups; i++)
        printf("%-18s %s%s\n", clock_setups[i].name, clock_setups[i].what,
               clock_setups[i].large ? " (large)" : "");
    for (int i = 0; i < n_brokens; i++)
        printf("%-18s %s: %s\n", brokens[i].name, brokens[i].setup,
               brokens[i].what);
    for (int i = 0; i < n_clock_brokens; i++)
        printf("%-18s %s: %s\n", clock_brokens[i].name, clock_brokens[i].setup,
               clock_brokens[i].what);
    return 0;
}

static void all(bool large)
{
    for (int i = 0; i < n_setups; i++)
        if (large || !setups[i].large)
            lease_whole(&setups[i], false);
    for (int i = 0; i < n_clock_setups; i++)
        if (large || !clock_setups[i].large)
            clock_whole(&clock_setups[i], false);
    for (int i = 0; i < n_brokens; i++)
        if (large ||
            !(lease_named(brokens[i].setup)->large || brokens[i].large))
            lease_broken(&brokens[i], false);
    for (int i = 0; i < n_clock_brokens; i++)
        clock_broken(&clock_brokens[i], false);
}

static void one(const char *name, const char *mutant_name)
{
    for (int i = 0; i < n_setups && mutant_name == NULL; i++)
        if (strcmp(setups[i].name, name) == 0)
            lease_whole(&setups[i], true);
    for (int i = 0; i < n_clock_setups && mutant_name == NULL; i++)
        if (strcmp(clock_setups[i].name, name) == 0)
            clock_whole(&clock_setups[i], true);
    for (int i = 0; i < n_brokens && mutant_name != NULL; i++)
        if (strcmp(brokens[i].name, mutant_name) == 0)
            lease_broken(&brokens[i], true);
    for (int i = 0; i < n_clock_brokens && mutant_name != NULL; i++)
        if (strcmp(clock_brokens[i].name, mutant_name) == 0)
            clock_broken(&clock_brokens[i], true);
    if (passed + failed == 0)
        fprintf(stderr, "model: there is no %s; model --list names them\n",
                mutant_name == NULL ? name : mutant_name);
}

int main(int argc, char **argv)
{
    bool large = argc > 1 ? strcmp(argv[1], "--large") == 0
                          : getenv("MODEL_LARGE") != NULL;

    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc == 1 || large)
        all(large);
    else
        one(argv[1], argc > 2 ? argv[2] : NULL);
    printf("model: %d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
