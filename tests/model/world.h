/*
 * What the explorer knows of one moment: hosts, stores, what is on its way
 * between them, and what the upstream has seen.
 *
 * Time is in ticks and never absolute: each field says how long something still
 * lasts, or how long ago it was, and stops counting where more makes no
 * difference.  So one state stands for all moments that look alike, and the
 * number of states is finite though time is not bounded.
 *
 * A host's clock, the store's v and the upstream's (real) time are three: which
 * one a field counts in is said beside it.
 */
#ifndef SLUICE_MODEL_WORLD_H
#define SLUICE_MODEL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HOSTS = 3,
    STORES = 2,
    CALLS = 2 * HOSTS, /* of each host: the one it waits for, and a late one */
    LEASES = 12,
    LOG = 8,
    SENDS = 5,
    GONE = HOSTS, /* whoever crashed and came back as another */
};

/* ---- leases ---------------------------------------------------------------- */

enum has { /* what the host knows of a lease */
           HAS_NOT = 0,
           HAS_IT,      /* may be written */
           HAS_CHECKED, /* a mutant's: asked whether it may, and was stopped then */
           HAS_SENT, /* written, to be reported */
           HAS_BACK, /* given back, to be reported */
};

enum in_store {
    IN_NONE = 0,
    IN_MAIL, /* given to a host that did not ask just now */
    IN_OPEN,
};

enum says { /* a call of a lease; an answer keeps it, and may say more */
            SAYS_NOT = 0,
            SAYS_SENT,
            SAYS_BACK,
            SAYS_RENEW,
            SAYS_HOLD,
            SAYS_NEW,  /* an answer: it is yours */
            SAYS_LOST, /* an answer: no such lease any more */
};

struct lease {
    int8_t owner; /* a host or GONE */
    int8_t has;
    int8_t left; /* HAS_IT: until its end, by the host's clock */
    int8_t wait; /* HAS_IT: until it may be written */
    int8_t age;  /* HAS_SENT: since it was written, by the host's clock */
    struct {
        int8_t is, left; /* until its end, in v */
        int8_t wait;     /* IN_MAIL: until its slot opens */
    } at[STORES];
    struct {
        int8_t what;
        int8_t
            ticks; /* SAYS_SENT: age as it was asked; an answer: what is left */
        int8_t wait; /* SAYS_NEW: until its slot opens */
    } says[CALLS];
};

/* ---- hosts, calls, stores -------------------------------------------------- */

enum mode {
    MODE_STORE = 0,
    MODE_WAIT,  /* lost; a full window passes */
    MODE_ALONE, /* on_loss share */
};

struct host {
    int8_t at;    /* the store it is connected to */
    int8_t epoch; /* of this connection */
    int8_t fresh; /* its next call is the first of the connection: a sync */
    int8_t run;   /* the server's, as it connected */
    int8_t told;  /* the run that answers it; -1: none did */
    int8_t stood; /* so long no other answered; up to long enough */
    int8_t mode;  /* enum mode */
    int8_t last;  /* since it composed the call that was answered last */
    int8_t wait;  /* MODE_WAIT: for so long still */
    int8_t owes;  /* it has sent alone and the store has not confirmed that */
    int8_t peers; /* how many share the limit, as it was told; 0: wait */
};

enum is {
    IS_NOT = 0,
    IS_ASKED,    /* on its way to the store */
    IS_ANSWERED, /* on its way back */
};

struct call {
    int8_t is, who, to, epoch, run;
    int8_t sync, alone;
    int8_t since; /* it was composed, by the host's clock */
    int8_t peers; /* as the host knows; an answer: as the store tells */
};

enum up {
    UP_NOT = 0,
    UP_MASTER,
    UP_REPLICA,
};

struct known { /* what a store knows of a host */
    int8_t is, epoch;
    int8_t told;  /* how many peers it was told of */
    int8_t peers; /* ... and has confirmed to know */
};

struct store {
    int8_t up;
    int8_t life;     /* how often it was promoted */
    int8_t stopped;  /* SIGSTOP: takes calls, and executes none */
    int8_t off;      /* stopped for so long */
    int8_t cut;      /* another is master for so long; -1: none is */
    int8_t awake;    /* was continued, and has not looked at its replicas yet */
    int8_t back;     /* reachable again for so long */
    int8_t who;      /* meta: whose runs `lives` are; -1: there is no meta */
    int8_t lives;    /* meta: bits */
    int8_t anew;     /* began anew, and nobody knows yet who there is */
    int8_t idle;     /* nobody called for so long */
    int8_t truth;    /* v is late by so much; below 0: ahead */
    int8_t full;     /* windows are full for so long, in v */
    int8_t log[LOG]; /* until each leaves the window, in v; largest first */
    struct known of[HOSTS];
};

/* ---- all of it ------------------------------------------------------------- */

enum fault {              /* how often each may still happen */
             MAY_CUT = 0, /* a connection is lost and made anew */
             MAY_LEAD,    /* another worker leads a host */
             MAY_CRASH,
             MAY_FAIL_OVER,
             MAY_COPY, /* the replica takes over what the master has now */
             MAY_STOP, /* a store is stopped */
             MAY_FLUSH,
             MAY_DRIFT, /* a host's clock loses or gains a tick */
             MAY_BREAK, /* the store is gone for all */
             FAULTS,
};

struct world {
    int8_t may[FAULTS];
    struct host host[HOSTS];
    struct store store[STORES];
    struct call call[CALLS];
    struct lease lease[LEASES];
    int8_t sends; /* in the upstream's window */
    struct {
        int8_t age; /* real */
        int8_t who;
    } send[SENDS];
    int8_t broken; /* more of them than the limit */
};

/* ---- what is tried --------------------------------------------------------- */

enum failover {
    FAILOVER_DEAD = 0, /* the old master is dead */
    FAILOVER_SPLIT,   /* it goes on, as long as it believes to have a replica */
    FAILOVER_STOPPED, /* it was stopped, and wakes whenever it likes */
    FAILOVER_RETURN,  /* it comes back as a replica with what it had, and is
                        * promoted again */
};

struct setup {
    const char *name, *what;
    int hosts, limit, window, margin, ttl, guard, lapse;
    int extra;  /* added to the full window: for an old master (lag) */
    int lag;    /* so long it goes on without a replica */
    int silent; /* a store that nobody called for longer is full; 0: off */
    int detect; /* so long a store is stopped until another is promoted */
    int late;   /* alone: so long after its return a host may not know it */
    int clock; /* v is any clock that is ahead by no more than the margin; 0: it
                   * is real time */
    int early; /* so long before its slot opens a lease may be granted */
    int alone; /* on_loss share */
    int failover; /* enum failover */
    int may[FAULTS];
    int lost;  /* a call whose connection ends is lost, never late */
    int large; /* not in the short run */
    int bound; /* searched no further than so many states; 0: to the end */
};

/* The protocol broken on purpose: cases.c says what each does. */
enum mutant {
    SOUND = 0,
    NO_GUARD,
    END_FROM_ANSWER,
    NO_CHECK,
    CHECK_APART,
    CHECK_TIME_ALONE,
    OPEN_IS_FREE,
    SENT_AT_GRANT,
    END_IS_BACK,
    END_AT_GRANT,
    RENEW_REVIVES,
    BACK_TAKES_ANY,
    SYNC_TAKES_OTHERS,
    SYNC_TAKES_MAIL,
    EPOCH_IGNORED,
    EPOCH_OF_LEADER,
    OLD_ANSWER,
    LAPSE_AFTER_FETCH,
    FULL_NOT_AT_FAILOVER,
    FULL_NOT_AT_FLUSH,
    FULL_WITHOUT_TTL,
    FULL_WITHOUT_LAG,
    RUN_WITHOUT_LIFE,
    SILENCE_IGNORED,
    NO_MARGIN,
    CLOCK_FAR,
    NOTED_IN_V,
    EARLY_IGNORED,
    EARLY_FROM_CALL,
    EARLY_ONE_LESS,
    EARLY_IN_MAIL,
    SYNC_ANY_RUN,
    ALONE_AT_ONCE,
    ALONE_ROUNDS_UP,
    ALONE_LATE,
    ALONE_NEWCOMER,
    ALONE_ANEW,
    SYNC_AT_ONCE,
    END_NEVER,
    MUTANTS,
};

extern const struct setup *setup;
extern enum mutant mutant;

static inline int span(void)
{
    return setup->window + (mutant == NO_MARGIN ? 0 : setup->margin);
}

/* Until all that was lent has ended, whatever v of the store is. */
static inline int long_enough(void)
{
    return 2 * setup->ttl;
}

static inline int max_int(int a, int b)
{
    return a > b ? a : b;
}

static inline int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Beyond this nothing is left of what was. */
static inline int8_t long_ago(void)
{
    return (int8_t)(span() + 2 * setup->ttl + setup->extra + 2);
}

/* ---- store.c: what the script does ----------------------------------------- */

/* May store K execute a call now? */
bool store_serves(const struct world *w, int k);
/* Executes call C but for what it grants, v going on by TICKS; it is answered then.
 * Returns false if it is nobody's any more. */
bool store_execute(struct world *w, int c, int ticks);
/* So far v may go on in a call. */
int store_most(const struct world *w, int k);
/* When does a slot open that may be given now?  -1: none. */
int store_room(const struct world *w, int k);
/* A lease for the host of answered call C, or, by mail, for host H. */
void store_grant(struct world *w, int c);
void store_mail(struct world *w, int k, int h);
/* V went on by TICKS, which may be none: what ends, ends. */
void store_pass(struct world *w, int k, int ticks);
/* An empty one: no meta, nobody known. */
void store_wipe(struct world *w, int k);

/* ---- host.c ------------------------------------------------------------------ */

int8_t run_of(const struct world *w, int k);
void host_ask(struct world *w, int h, bool renew);
void host_answer(struct world *w, int c);
bool host_may_write(const struct world *w, const struct lease *l);
void host_write(struct world *w, struct lease *l);
int host_share(const struct host *h);
bool host_may_send_alone(const struct world *w, int h);
void host_send_alone(struct world *w, int h);
/* Connects to store K, LEAD: by another worker.  What was on its way is late, or,
 * DROP, lost. */
void host_connect(struct world *w, int h, int k, bool drop, bool lead);
void host_crash(struct world *w, int h);
void call_forget(struct world *w, int c);

/* ---- moves.c: all that may happen next --------------------------------------- */

typedef void moves_take(const struct world *w, const char *what, void *arg);
void moves(const struct world *w, moves_take *take, void *arg);
struct next { /* who takes the moves */
    moves_take *take;
    void *arg;
};
/* FORM has at most two numbers behind it. */
void give(const struct next *n, const struct world *w, const char *form, int a,
          int b);
void moves_of_stores(const struct next *n, const struct world *was);
/* A tick; the clock of host ODD goes on by ODD_TICKS instead. */
void move_tick(struct world *w, int odd, int odd_ticks);
void move_promote(struct world *w);
void move_start(struct world *w);

/* ---- forms.c ------------------------------------------------------------------ */

/* Equal worlds have equal forms: what is forgotten is gone, the order of leases
 * does not matter.  Returns the length. */
uint32_t form_make(struct world *w, uint8_t *form);

extern const struct game lease_game;

/* ---- relief.c ----------------------------------------------------------------- */

/* Without further faults: is a waiter of host 0 granted in time?  *TICKS: how long it took. */
bool relief_comes(const struct world *w, int *ticks);

#endif
