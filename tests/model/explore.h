/* Breadth first over all states that a game can come to. */
#ifndef SLUICE_MODEL_EXPLORE_H
#define SLUICE_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>

enum found {
    FOUND_NOTHING = 0, /* all states seen, the promises hold */
    FOUND_EXCESS, /* a promise is broken: more in a window than the limit */
    FOUND_LEAK,   /* a waiter who is not served in time */
    FOUND_LIMIT,  /* more states than there is room for */
    FOUND_SMALL,  /* more of something than the game has room for */
};

enum { FORM_MAX = 1024 };

/* What comes next, WHAT having happened; equal states have equal forms. */
typedef void game_take(const uint8_t *form, uint32_t n, enum found broken,
                       const char *what, void *arg);

struct game {
    uint32_t (*first)(uint8_t *form); /* returns the length */
    void (*next)(const uint8_t *form, uint32_t n, game_take *take, void *arg);
    /* If nothing fails any more, is a waiter served?  NULL: nobody waits. */
    bool (*relieved)(const uint8_t *form, uint32_t n, int *ticks);
    void (*print)(const uint8_t *form, uint32_t n);
};

struct result {
    enum found found;
    uint32_t states;
    uint64_t moves;
    int depth;   /* moves from the first state to the last one found */
    int longest; /* ticks until a waiter was served, at most */
};

/* LEAKS: look for waiters who are not served, too.  TRACE: print the shortest way
 * to what was found. */
struct result explore(const struct game *game, uint32_t states_max, bool leaks,
                      bool trace);

#endif
