/*
 * What one worker keeps in its own memory: data, and nothing else.  For the
 * files of state/ alone; what they do for each other is in their headers.
 */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include "state/file/state_file.h"
#include "state/file/wake.h"
#include "state/file/workers.h"
#include "state/policy/layout.h"
#include "state/policy/line_eta.h"
#include "state/stats/outcomes.h"
#include "state/stats/stats_file.h"
#include "state/ticket.h"

#define TICK_NS NS_PER_S /* how often to look at the path and for the dead */

/*
 * What one turn does of each: no more of them, and no more looks at what waits.
 * A look takes some 10 ns, so that nobody holds the lock for longer than a few
 * milliseconds, however many come at once; the rest is done in the next turn,
 * which comes at once.
 */
#define TURN_MAX   256
#define TURN_LOOKS (32 * LAY_WAITERS)

#define MARKS_MAX 32 /* lines in the log of one turn */
#define ENDS_MAX  16 /* wishes of operators between two turns */
#define OWED_MAX  64 /* refusals while the state cannot be had */

/* Something that changed for everybody, to be logged. */
struct change {
    const char *event;
    char name[LIMITER_NAME_MAX]; /* of the upstream or the model */
    const char *from, *to;
    int64_t for_ns;   /* how long; -1: that cannot be told */
    uint32_t at_once; /* a ceiling: requests in flight; 0: of no meaning */
    char why[LIMITER_REASON_MAX];
};

/* limiter_end_hold() */
struct end_wish {
    uint32_t upstream;
    char model[LIMITER_NAME_MAX];
};

/* The last pause or resume that we know of. */
struct pause {
    uint64_t number;
    int64_t since_ns; /* 0: it goes */
    char by[LIMITER_BY_MAX];
};

/* What was done of a kind in this turn; CUT: somebody has to wait for the next
 * one. */
struct effort {
    uint32_t n, looks;
    bool cut;
};

/* A send, for the statistics: rows of tables and the names they had then. */
struct sent_by {
    uint32_t client, model, owner; /* of the model: its upstream's row */
    char client_name[LIMITER_NAME_MAX], model_name[LIMITER_NAME_MAX];
    uint32_t upstream; /* where it went */
    char upstream_name[32];
};

/* A request that is over; its rows are found in the turn that counts it. */
struct completion {
    struct limiter_note note;
    uint32_t client, model, owner;
};

/*
 * What was done under the lock and is not in the statistics yet (journal.c).
 * Room for as much as one turn can do: pages that are not used cost nothing.
 */
struct journal {
    struct limiter_counters did;
    uint32_t n_sends;
    struct sent_by sends[LAY_ROWS];
    struct workers_lost lost;
    bool has_gauge;
    /* The most that we have put into the moment of GAUGED_S, in the statistics
     * file that was made at GAUGED_IN: most turns have no more to say. */
    struct rings_gauge gauged;
    int64_t gauged_s, gauged_in;
    int64_t ahead_ns, ahead_at_ns; /* of our clock is the wall's; when seen */
    struct rings_gauge gauge;
};

struct limiter {
    struct state_file file;
    struct stats_file stats;
    int64_t stats_retry_ns; /* not before: no file could be had */
    bool stats_bad;         /* ours proved damaged, which this says: */
    const char *stats_damage;
    int64_t stats_bad_ns; /* when that was last */
    bool stats_alone;     /* that there is none was said */
    bool starting;        /* there was no turn yet */
    uint32_t viewers;     /* of the board, at this worker */
    int dir;
    char *path;     /* of the directory */
    int alive;      /* alive.c's; -1: nothing is said in the data directory */
    bool elsewhere; /* somebody, or we, may have sent by another file than the
                     * one to be attached */
    bool deaf;      /* our socket is gone, and that was said */
    uint32_t seat;  /* our place in the table of workers, or NONE */
    struct wake wake;
    struct limiter_settings set;
    int64_t opened_ns;   /* when this worker began */
    uint64_t generation; /* of those settings */
    uint64_t newest;     /* that the state knows of */
    struct pause pause;
    uint32_t cancels_seen; /* lay_control.cancels, when we looked */
    uint32_t places[LIMITER_UPSTREAMS]; /* of our upstreams: rows */
    uint32_t rows;                      /* and those as bits */
    uint64_t repairs;        /* that this file had, when we settled in */
    bool at_odds, told_odds; /* no row is left for one of our upstreams */
    bool unsettled;          /* settings or tickets not yet in this file */
    int64_t now;             /* of this turn */
    int64_t checked_ns;      /* when the file was last seen at its path */
    bool late;               /* that was too long ago when the lock was had */
    int64_t trouble_ns;      /* since when no turn succeeded; NEVER: none */
    int64_t retry_ns;        /* not before: the file could not be had */
    int64_t bad_ns;          /* when the last one proved damaged */
    int64_t had_created_ns;  /* of the last file we had; 0: none yet */
    int64_t service_start_ns;
    uint64_t recoveries;
    uint64_t secret;      /* of the newest file */
    uint64_t store_epoch; /* in which we lead; 0: we do not */

    struct ticket_list all;
    struct ticket *wishes, **wishes_end;
    struct ticket *news, **news_end;
    struct ticket *fresh, **fresh_end; /* to be told their place */
    struct ticket *over;               /* to be freed */
    struct ticket *by_row[LAY_ROWS];
    int64_t etas[LAY_ROWS]; /* by position; for ticket_events.c, in one turn */
    struct line_eta line_eta; /* for lines that several upstreams share */

    /* Of one turn. */
    struct effort joins, at_joins; /* and the slots given away at them */
    struct effort grants, told;    /* their place */
    bool behind;        /* some that came earlier know no place yet */
    bool more;          /* a next one has to follow at once */
    bool alone;         /* no other worker is there to wait for the lock */
    bool at_work;       /* all is there that a turn needs */
    bool adopting;      /* to take more of our tickets into the file */
    uint32_t hand_from; /* the scope that is first: after one that was cut */

    /* Gathered under the lock, done after it. */
    int64_t next_ns;
    uint32_t refused_up_to; /* live.refusing when our waiters were looked at */
    bool stuck;             /* a wish could not be fulfilled yet */
    bool hurry;   /* what was asked since then has to be done at once */
    bool awaited; /* somebody waits, and so for what we give back */
    uint64_t poked[LAY_WORKERS / 64];
    uint64_t pokes[LAY_WORKERS];
    uint32_t n_pokes;
    struct workers_gone gone;
    bool repaired;
    struct change marks[MARKS_MAX];
    uint32_t n_marks, more_marks;

    struct end_wish ends[ENDS_MAX];
    uint32_t n_ends;

    struct lay_retry owed[OWED_MAX]; /* to be remembered */
    uint32_t n_owed;

    int64_t first_s;         /* the oldest moment of the history; 0: none */
    struct archive *archive; /* NULL: history is not kept */
    struct journal journal;  /* not yet counted, as the next two */
    struct completion *notes;
    struct limiter_attempt *tries;
    uint32_t n_notes, notes_max, n_tries, tries_max;

    limiter_log_fn *log;
    void *log_arg;
};

/* One more of this kind, which looks at LOOKS of those that wait?  The first of
 * a turn may, whatever it costs. */
static inline bool effort_take(struct effort *e, uint32_t looks)
{
    e->cut |= e->n >= TURN_MAX || e->looks >= TURN_LOOKS;
    if (e->cut)
        return false;
    e->n++;
    e->looks += looks;
    return true;
}

#endif
