/*
 * What each model did, and each client, moment by moment.
 *
 * A ledger has rows and names.  A row is what one name did in one moment; there
 * is one only for who did something in it.  So the room is for those that
 * work, not for all times those that there are.
 */
#ifndef SLUICE_LEDGER_H
#define SLUICE_LEDGER_H

#include "state/policy/vocabulary.h"
#include "state/stats/ledger_row.h"
#include "state/stats/rings.h"

enum ledger_kind { LEDGER_MODELS = 0, LEDGER_CLIENTS = 1, LEDGERS = 2 };

#define LEDGER_NAMES   128 /* that have rows of their own */
#define LEDGER_FIVES   3072
#define LEDGER_MINUTES 8192
#define LEDGER_HOURS   16384 /* 22 names around the clock for a month */
#define LEDGER_ROWS    (LEDGER_FIVES + LEDGER_MINUTES + LEDGER_HOURS)

#define LEDGER_OTHERS 1 /* the id of all that have no name here */

/* A new name takes another's place once in so many seconds at most: who sends
 * names that were made up gets some rows a minute, and not the table. */
#define LEDGER_GIVE_S 60

/* 160 bytes. */
struct lay_ledger_name {
    char text[LIMITER_NAME_MAX]; /* of others "" */
    int64_t last_s;              /* the last moment that was counted */
    /* The number + 1 of its newest row in each pool; 0: none. */
    uint64_t at[LEDGER_POOLS];
};

/* Row number I of a pool lies at I modulo its size. */
struct lay_ledger_pool {
    uint64_t next;     /* the next row's number */
    uint64_t now_from; /* the first row's of the moment WHEN */
    uint64_t base;     /* those below came from the disk */
    uint32_t when;     /* the last moment that had one */
    uint32_t open;     /* 1: the rings keep the moment AT_S, and so do we */
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_ledger {
    int64_t first_s; /* the oldest moment that was ever counted; 0: none */
    int64_t at_s;    /* the second that OPEN is of */
    int64_t given_s; /* when a name took another's place last */
    struct lay_ledger_pool pools[LEDGER_POOLS];
    /* Whose the names are; 0: free.  Apart, for these are what is looked
     * through.  The last one is the others'. */
    uint32_t ids[LEDGER_NAMES + 1], pad;
    struct lay_ledger_name names[LEDGER_NAMES + 1];
    struct lay_ledger_row rows[LEDGER_ROWS];
};

/* NAME's; never 0, nor that of the others. */
uint32_t ledger_id(const char *name);
/* Can this be somebody's name?  Not "", and it ends within LIMITER_NAME_MAX. */
bool ledger_is_name(const char *name);
/* Row number I of POOL; NULL: it is not there any more, or not yet. */
const struct lay_ledger_row *ledger_row(const struct lay_ledger *l,
                                        uint32_t pool, uint64_t i);
/* The oldest moment of which POOL has all rows; 0: it has lost none. */
int64_t ledger_reach(const struct lay_ledger *l, uint32_t pool);

/* All below needs the lock. */

/* A request of NAME is over; "": of nobody, and nothing is counted. */
void ledger_note(struct lay_ledger *l, const struct lay_history *h,
                 const char *name, const struct limiter_note *n);

/* The disk's rows are to come, of POOL those below number NEXT: what was
 * counted meanwhile comes behind them.  ROOM is for as many rows as the pool
 * has. */
void ledger_fill_begin(struct lay_ledger *l, uint32_t pool, uint64_t next,
                       struct lay_ledger_row *room);
/* A name that the disk knew; it pushes out nobody. */
void ledger_fill_name(struct lay_ledger *l, const char *name, int64_t last_s);
/* The disk's row number I of POOL. */
void ledger_fill(struct lay_ledger *l, uint32_t pool, uint64_t i,
                 const struct lay_ledger_row *row);
/* After a crash: what cannot be is made sound. */
void ledger_rebuild(struct lay_ledger *l);

#endif
