/*
 * What one worker keeps in its own memory; for limiter.c, attach.c, slots.c,
 * operator.c, upstream_map.c, ticket_ops.c, verdicts.c, change_log.c, ticket_events.c and fence.c alone.
 */
#ifndef SLUICE_WORKER_H
#define SLUICE_WORKER_H

#include "state/file/state_file.h"
#include "state/file/wake.h"
#include "state/file/workers.h"
#include "state/limiter.h"
#include "state/policy/layout.h"
#include "state/stats.h"
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

struct limiter {
    struct state_file file;
    int dir;
    char *path;     /* of the directory */
    int alive;      /* alive.c's; -1: nothing is said in the data directory */
    bool elsewhere; /* somebody, or we, may have sent by another file than the
                     * one to be attached */
    bool deaf;      /* our socket is gone, and that was said */
    uint32_t slot;  /* our place in the roster, or NONE */
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
    uint64_t secret; /* of the newest file */

    struct ticket_list all;
    struct ticket *wishes, **wishes_end;
    struct ticket *news, **news_end;
    struct ticket *fresh, **fresh_end; /* to be told their place */
    struct ticket *over;               /* to be freed */
    struct ticket *by_row[LAY_ROWS];
    int64_t etas[LAY_ROWS]; /* by position; for ticket_events.c, in one turn */

    /* Of one turn. */
    struct effort joins, at_joins; /* and the slots given away at them */
    struct effort grants, told;    /* their place */
    bool behind;        /* some that came earlier know no place yet */
    bool more;          /* a next one has to follow at once */
    bool alone;         /* no other worker is there to wait for the lock */
    bool adopting;      /* to take more of our tickets into the file */
    uint32_t hand_from; /* the scope that is first: after one that was cut */

    /* Gathered under the lock, done after it. */
    int64_t next_ns;
    uint32_t refused_up_to; /* live.refusing when our waiters were looked at */
    bool stuck;             /* a wish could not be fulfilled yet */
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

    int64_t first_s;            /* the oldest moment of the history; 0: none */
    struct archive *archive;    /* NULL: history is not kept */
    struct limiter_note *notes; /* not yet counted */
    struct limiter_attempt *tries;
    uint32_t n_notes, notes_max, n_tries, tries_max;

    limiter_log_fn *log;
    void *log_arg;
};

/* ---- limiter.c -------------------------------------------------------- */

/* Writes a line about the state into the log; not under the lock. */
void limiter_say(struct limiter *lim, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* FN, under the lock and within a turn's rules, now.  False: the state cannot
 * be had at once.  Not from a callback of a turn. */
MUST_USE bool limiter_at_once(struct limiter *lim, int64_t now,
                              void (*fn)(struct limiter *lim, void *arg),
                              void *arg);

/* FN under the lock, outside of a turn and without what belongs to one: FN
 * looks at live.dirty itself.  False: the lock is busy, there is no file, or it
 * proved damaged and is lost now. */
MUST_USE bool limiter_look(struct limiter *lim, void (*fn)(void *), void *arg);
/* The same, where we have our place, for a FN that writes: live.dirty goes up
 * and down around it.  False too: somebody was killed while it wrote, and a
 * turn has to come first. */
MUST_USE bool limiter_touch(struct limiter *lim, void (*fn)(void *), void *arg);

/* ---- attach.c ---------------------------------------------------------- */

/* At the start: directory, file and socket.  False: ERR says why not. */
MUST_USE bool attach_first(struct limiter *lim, const char *data_dir, char *err,
                           size_t err_max);
/* Before a turn: false while no sound file can be had. */
MUST_USE bool attach_check(struct limiter *lim);
/* Is our file, and its directory, now where all look for it?  Changes nothing:
 * for a moment between turns. */
MUST_USE bool attach_is_in_place(const struct limiter *lim);
/* Drops the file; its tickets wait for the next one.  DAMAGED: it must not be
 * used again. */
void attach_lose(struct limiter *lim, const char *why, bool damaged);

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

/* ---- slots.c: all of it needs the lock -------------------------------- */

/* Grants what other workers offered us. */
void slots_accept(struct limiter *lim);
/* Takes back what others were offered and did not accept in time. */
void slots_revoke(struct limiter *lim);
/* Gives the open slots of SCOPE away, as far as EFFORT goes.  Returns when the
 * next one opens, if anybody waits for it, else NEVER.  Now: one is open, and
 * either nobody may go or EFFORT is cut. */
int64_t slots_hand_out(struct limiter *lim, uint32_t scope,
                       struct effort *effort);
/* The same for all scopes, and sets the alarm for the next slot. */
void slots_hand_out_all(struct limiter *lim);

/* WORKER is told after the lock is gone. */
void slots_poke(struct limiter *lim, uint32_t worker);

/* ---- operator.c: all of it needs the lock -------------------------------- */

/* Are our settings as new as any?  Then their rules may be put in force, and
 * the others hear of it. */
bool operator_lead(struct limiter *lim);
/* Who are we, and what was ordered since the last turn? */
void operator_look(struct limiter *lim);
/* Tells our tickets that were cancelled. */
void operator_cancelled(struct limiter *lim);

/* ---- upstream_map.c: all of it needs the lock --------------------------------- */

/* Finds a row for each of our upstreams.  False: not enough of them are free. */
MUST_USE bool upstream_map_take(struct limiter *lim);
/* The row of an upstream of ours; NONE: there is no such one. */
uint32_t upstream_map_of(const struct limiter *lim, uint32_t upstream);
/* Puts our rules in force: if we LEAD, else only where there are none.  Rows
 * that nobody uses get none. */
void upstream_map_rule(struct limiter *lim, bool lead);

/* ---- ticket_ops.c --------------------------------------------------------- */

void ticket_ops_add(struct limiter *lim, struct ticket *t, unsigned what);
/* Needs the lock.  Does what was asked since the last turn. */
void ticket_ops_fulfil(struct limiter *lim);
/* Needs the lock.  Refuses our waiters whose model or upstream went off. */
void ticket_ops_refuse_off(struct limiter *lim);
/* Needs the lock.  Puts the tickets of a lost file into this one; while there
 * are more than a turn's worth, lim->adopting. */
void ticket_ops_adopt(struct limiter *lim);
/* T is refused without the lock: to be remembered when it can be had. */
void ticket_ops_owe(struct limiter *lim, const struct ticket *t);
/* The file is lost: no ticket has a row, and no wish is forgotten. */
void ticket_ops_unbind(struct limiter *lim);

/* ---- completions.c ----------------------------------------------------------- */

/* Needs the lock.  Counts what was noted since the last turn. */
void completions_apply(struct limiter *lim);
/* Gives room back; at the end of a turn, without the lock. */
void completions_trim(struct limiter *lim);
void completions_free(struct limiter *lim);

/* ---- verdicts.c: all of it needs the lock ------------------------------ */

/* T's report, if T was sent. */
void verdicts_apply(struct limiter *lim, struct ticket *t);
/* Before a slot of SCOPE is given away: holds end, allowances grow. */
void verdicts_time(struct limiter *lim, uint32_t scope);
/* Once a second: benches end. */
void verdicts_tick(struct limiter *lim);
/* What operators asked for. */
void verdicts_end(struct limiter *lim);

/* ---- change_log.c ----------------------------------------------------------- */

/* Needs the lock.  WHAT happened to SCOPE; its name is filled in here. */
void change_log_add(struct limiter *lim, uint32_t scope,
                    const struct change *what);
void change_log_why(struct change *m, const char *reason);
/* Logs them; not under the lock. */
void change_log_tell(struct limiter *lim);
void change_log_forget(struct limiter *lim);

/* ---- ticket_events.c ------------------------------------------------------------ */

void ticket_events_add(struct limiter *lim, struct ticket *t,
                       enum ticket_event event);
/* Needs the lock, which the ticket's row has got its slot under. */
void ticket_events_granted(struct limiter *lim, struct ticket *t);
void ticket_events_refused(struct limiter *lim, struct ticket *t,
                           enum limiter_refusal why, int64_t eta_ns);
/* To be told its place at the end of the turn, should it still wait then. */
void ticket_events_fresh(struct limiter *lim, struct ticket *t);
/* Needs the lock.  Refuses those whose ETA is past their deadline. */
void ticket_events_places(struct limiter *lim);
/* Calls back; ONLY_REFUSED: grants have to wait for the state. */
void ticket_events_tell(struct limiter *lim, bool only_refused);
/* Needs the lock.  Fills T's position, ETA and the number that wait.  ETAS are
 * those of the first N positions; NULL: not known yet. */
void ticket_events_place(struct layout *lay, struct ticket *t, int64_t now,
                         const int64_t *etas, uint32_t n);
/* It is over: freed at the end of the turn, or when nobody listens. */
void ticket_events_over(struct limiter *lim, struct ticket *t);
void ticket_events_free(struct limiter *lim);

#endif
