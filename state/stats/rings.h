/*
 * What was, second by second, minute by minute, hour by hour.
 *
 * Three rings of fixed size.  The place of a moment follows from its time
 * alone, so no index can be wrong, and a clock that jumps finds, or makes, the
 * record of the time it now shows.
 */
#ifndef SLUICE_RINGS_H
#define SLUICE_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/outcomes.h"
#include "state/stats/quantiles.h"

#define HISTORY_RINGS   3
#define HISTORY_SECONDS 600  /* ten minutes */
#define HISTORY_MINUTES 2880 /* two days */
#define HISTORY_HOURS   9600 /* 400 days */
#define HISTORY_ALL     (HISTORY_SECONDS + HISTORY_MINUTES + HISTORY_HOURS)

#define HISTORY_BUCKETS PAST_BUCKETS /* of a histogram */

#define HISTORY_DUE_MAX_NS (600 * NS_PER_S) /* farther ahead is noise */
#define HISTORY_FAILURES   5                /* then pauses grow no more */

/*
 * Outcomes that a record counts one by one.  The disk keeps records of this size
 * for 400 days, so there is no room for more: what ended otherwise is the one
 * behind them, which is what is left of the requests (rings_outcome()).
 */
#define MOMENT_OUTCOMES (OUTCOME_LOST + 1)
_Static_assert(OUTCOMES == MOMENT_OUTCOMES + 1, "one is what is left");

/* What is kept of a second, a minute or an hour: 240 bytes. */
struct lay_moment {
    int64_t begin; /* since 1970; 0: nobody kept it.  Stored last */
    uint64_t queue_us, first_byte_us, generation_us; /* sums */
    uint64_t tokens_in, tokens_out;
    uint32_t sends, requests; /* on the wire; ended */
    uint32_t outcomes[MOMENT_OUTCOMES];
    uint32_t queue_n, first_byte_n, generation_n; /* what the sums are of */
    uint16_t waiting, in_flight;                  /* the most there were */
    uint16_t window_used, window_limit;           /* of the first upstream */
    uint32_t queue[HISTORY_BUCKETS], first_byte[HISTORY_BUCKETS];
    uint32_t speed[HISTORY_BUCKETS]; /* tokens a second */
    uint32_t told; /* good answers but those that did not tell their tokens;
                    * builds before this one have kept 0 */
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_history {
    int64_t now_s;   /* the wall clock of the turn under way */
    int64_t first_s; /* the oldest moment that was ever kept; 0: none */
    int64_t turn_ns; /* when that turn was, by a clock that does not jump */
    /* The newest record that was in the way of an earlier moment, and when the
     * first was met; 0: none is.  The wall clock is behind it. */
    int64_t ahead_s, behind_ns;
    /* What changed since it was saved last, and what is being saved: to be
     * saved again if that comes to nothing.  FROM above TO: nothing. */
    int64_t from_s, to_s;
    int64_t saving_from_s, saving_to_s;
    int64_t due_ns;     /* when it is to be saved */
    int64_t lease_ns;   /* the end of the owner's time */
    uint32_t owner;     /* worker + 1 that saves or fills; 0: none */
    uint32_t filled;    /* 1: has what the disk knew */
    uint32_t filled_to; /* records of the disk that were looked at */
    uint32_t mute;      /* 1: that it cannot be saved or read was said */
    uint32_t failures;  /* to read it, one after the other */
    uint32_t pad;
    struct lay_moment moments[HISTORY_ALL];
};

/* How many wait and run, and use the window of the first upstream. */
struct rings_gauge {
    uint32_t waiting, in_flight;
    uint32_t window_used, window_limit;
};

/* A ring: N records of STEP_S seconds, from the FIRST in the table on. */
struct history_ring {
    int64_t step_s;
    uint32_t n, first;
};
extern const struct history_ring history_rings[HISTORY_RINGS];

/* Can this be a time?  Everything else is noise. */
bool rings_is_time(int64_t t);
/* Where in the table RING keeps the moment T, which must be a time. */
uint32_t rings_place(const struct history_ring *ring, int64_t t);
/* The ring that place I is of. */
const struct history_ring *rings_of(uint32_t i);
/* Is M what the table may hold at place I? */
bool rings_belongs(const struct lay_moment *m, uint32_t i);
/* How many requests of M ended so. */
uint32_t rings_outcome(const struct lay_moment *m, enum outcome outcome);
/* Adds what M counted to TO; their begins are not looked at. */
void rings_add(struct lay_moment *to, const struct lay_moment *m);

/* All below needs the lock. */

/* A turn begins at WALL_S, in seconds since 1970, and NOW. */
void rings_turn(struct lay_history *h, int64_t wall_s, int64_t now);
/* N requests went out. */
void rings_sent(struct lay_history *h, uint32_t n);
/* How it stands. */
void rings_gauge(struct lay_history *h, const struct rings_gauge *g);
/* What an older file knew of the moment at place I is added, once. */
void rings_fill(struct lay_history *h, uint32_t i, const struct lay_moment *m);
/* WORKER, which may be the one that saves, is gone. */
void rings_leave(struct lay_history *h, uint32_t worker);
/* Places are those of another file: nobody saves. */
void rings_move(struct lay_history *h);
/* After a crash: what cannot be is made sound. */
void rings_rebuild(struct lay_history *h, int64_t now);

/* A request for the upstream ended. */
void rings_note(struct lay_history *h, const struct limiter_note *note);

#endif
