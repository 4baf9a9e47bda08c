/*
 * main.c - searches each setup to its end, and finds each mutant.
 *
 *   model                    the short ones, and their mutants
 *   model --large            the large ones and their mutants, too (hours, gigabytes)
 *   model SETUP              this one
 *   model SETUP MUTANT       this one broken so, with the shortest way to it
 *   model --list             their names
 *
 * MODEL_LARGE=1 is --large.  MODEL_STATES (20,000,000): how many states there is room for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/model/cases.h"
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

    return n == 0 || n > 400000000 ? 20000000 : (uint32_t)n;
}

static void sound(const struct setup *s, bool trace)
{
    static const char *const found[] = {
        "no window exceeded", "A WINDOW WITH MORE THAN THE LIMIT",
        "A WAITER WAITS FOR EVER", "not searched to the end",
        "more leases than the model has room for"};
    double start = seconds();
    struct result r;

    setup = s;
    mutant = SOUND;
    r = explore(states_max(), true, trace);
    printf("  %-13s %9u states %10llu moves %6.1f s  a waiter <= %d ticks  %s: "
           "%s\n",
           s->name, r.states, (unsigned long long)r.moves, seconds() - start,
           r.longest, s->what, found[r.found]);
    *(r.found == FOUND_NOTHING ? &passed : &failed) += 1;
}

static const struct setup *named(const char *name)
{
    for (int i = 0; i < n_setups; i++)
        if (strcmp(setups[i].name, name) == 0)
            return &setups[i];
    fprintf(stderr, "model: no setup is called %s; model --list\n", name);
    exit(2);
}

static void broken(const struct broken *b, bool trace)
{
    enum found wanted = b->leaks ? FOUND_LEAK : FOUND_EXCESS;
    struct result r;

    setup = named(b->setup);
    mutant = b->mutant;
    r = explore(states_max(), b->leaks, trace);
    if (r.found != wanted || trace)
        printf("  %s, in %s: %s: %s after %u states\n", b->name, b->setup,
               b->what, r.found == wanted ? "found" : "NOT FOUND", r.states);
    *(r.found == wanted ? &passed : &failed) += 1;
}

static int list(void)
{
    for (int i = 0; i < n_setups; i++)
        printf("%-18s %s%s\n", setups[i].name, setups[i].what,
               setups[i].large ? " (large)" : "");
    for (int i = 0; i < n_brokens; i++)
        printf("%-18s %s: %s\n", brokens[i].name, brokens[i].setup,
               brokens[i].what);
    return 0;
}

int main(int argc, char **argv)
{
    bool large = argc > 1 ? strcmp(argv[1], "--large") == 0
                          : getenv("MODEL_LARGE") != NULL;

    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return list();
    for (int i = 0; i < n_setups && (argc == 1 || large); i++)
        if (large || !setups[i].large)
            sound(&setups[i], false);
    if (argc == 2 && !large)
        sound(named(argv[1]), true);
    for (int i = 0; i < n_brokens; i++)
        if (argc > 2 ? strcmp(brokens[i].name, argv[2]) == 0
                     : large || (argc == 1 && !named(brokens[i].setup)->large))
            broken(&brokens[i], argc > 2);
    printf("model: %d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
