/*
 * The store's clocks as a game of their own (clock.c): what turn.lua does with
 * TIME, with the clocks of hosts and with round trips, and nothing else.
 */
#ifndef SLUICE_MODEL_CLOCK_H
#define SLUICE_MODEL_CLOCK_H

#include "tests/model/explore.h"

enum clock_mutant {
    CLOCK_SOUND = 0,
    CLOCK_IS_TIME,      /* v is up */
    CLOCK_NEW_HAS_TIME, /* a host that is new moves v by TIME */
    CLOCK_NO_RESET,    /* who was silent while up was set back keeps its word */
    CLOCK_NO_STEPPED,  /* ... and who called, what its way took */
    CLOCK_STEP_ASIDE,  /* ... and whose answer was lost */
    CLOCK_NO_SHORTER,  /* a shorter way takes nothing off */
    CLOCK_BEHIND_WAY,  /* what is learned of v counts from the call's sending */
    CLOCK_BEHIND_KEPT, /* ... though the answer was lost */
    CLOCK_BACK_UNSEEN, /* a step back within the time since the last call */
    CLOCK_WAY_KEPT,    /* a new host's first way is not taken off */
    CLOCK_QUIET_BY_V,  /* silence is what v says */
    CLOCK_QUIET_BY_TIME, /* ... what TIME says */
    CLOCK_QUIET_BY_HOST, /* ... what the host's clock says */
};

struct clock_setup {
    const char *name, *what;
    int hosts;
    int most;        /* so long a call takes at most, then it is lost */
    int late;        /* so long a lost one may still come */
    int jump;        /* up is beyond all clocks by more: TIME stepped */
    int watch;       /* so long the least excess is watched */
    int quiet;       /* a store that nobody called for longer is full */
    int idle;        /* nobody calls for so long at most */
    int lag;         /* searched where v is late by no more */
    int by;          /* TIME steps by so much at most */
    int steps, news; /* how often TIME steps; a host comes anew */
    int large;       /* not in the short run */
};

extern const struct clock_setup *clock_setup;
extern enum clock_mutant clock_mutant;
extern const struct game clock_game;

#endif
