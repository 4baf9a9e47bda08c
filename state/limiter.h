/*
 * limiter.h - may this request be sent now, and if not, when?
 *
 * The only header of state/ that other folders include.  Requests become
 * tickets; limiter_turn() does everything asked since the last turn under one
 * lock and tells each ticket what happened through its callback.  The file,
 * its lock and its layout stay in state/.
 *
 * A limiter belongs to one thread.  Times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef SLUICE_LIMITER_H
#define SLUICE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base.h"

#define LIMITER_UPSTREAMS 16
#define LIMITER_NAME_MAX  128 /* client and model names, with the zero */
#define LIMITER_ID_MAX    40  /* request ids, with the zero */
#define LIMITER_CLASSES   3

enum limiter_class { CLASS_HIGH = 0, CLASS_NORMAL = 1, CLASS_LOW = 2 };

/* The limits of one upstream. */
struct limiter_rules {
    char name[32];
    int64_t window_ns;  /* up to a day, as the next two */
    int64_t margin_ns;  /* a send counts for window + margin */
    int64_t min_gap_ns; /* between two sends; may be 0 */
    uint32_t requests;  /* 1..10,000 sends in a window */
    uint32_t burst;     /* 1..requests; equal: the window alone decides */
    uint32_t in_flight; /* 0: no limit */
    uint32_t per_model; /* 1: each model has a window of its own */
};

/* True bounds of the queue, over all workers. */
struct limiter_bounds {
    uint32_t waiting;    /* queue.max, 1..4,096 */
    uint32_t per_client; /* queue.per_client */
    uint64_t bytes;      /* queue.max_mb, of bodies held */
};

struct limiter_settings {
    struct limiter_rules rules[LIMITER_UPSTREAMS];
    uint32_t n_upstreams;
    struct limiter_bounds bounds;
};

enum limiter_refusal {
    REFUSED_NOT = 0,
    REFUSED_QUEUE_FULL = 1,  /* queue.max */
    REFUSED_CLIENT_FULL = 2, /* queue.per_client */
    REFUSED_BYTES = 3,       /* queue.max_mb */
    REFUSED_DEADLINE = 4,    /* the ETA is past it */
    REFUSED_TABLE = 5,       /* rows, clients or models: no room */
    REFUSED_STATE = 6,       /* the shared state cannot be had */
    REFUSALS = 7,
};

struct limiter_counters {
    uint64_t joined, granted, sent, left, done, again;
    uint64_t refused[REFUSALS];
    uint64_t repairs;    /* times the dirty word was found up */
    uint64_t recoveries; /* times the file was replaced */
    uint64_t swept;      /* dead workers */
    uint64_t revoked;    /* offers that lapsed */
};

/* What a ticket asks for.  Strings are copied, cut to their bounds. */
struct limiter_request {
    uint32_t upstream; /* index into the settings */
    enum limiter_class cls;
    uint32_t weight; /* the client's share, 1..1,000 */
    const char *client;
    const char *model;      /* "" where a request names none */
    const char *request_id; /* shown in the queue */
    bool stream;
    uint64_t body_bytes;
    int64_t deadline_ns; /* refuse at once if the ETA is later; or NEVER */
};

enum ticket_event {
    TICKET_WAITS = 0,   /* in line; told once after each join */
    TICKET_GRANTED = 1, /* send it now */
    TICKET_REFUSED = 2, /* the ticket is gone: do not use it again */
};

struct ticket_news {
    enum ticket_event event;
    enum limiter_refusal why; /* with TICKET_REFUSED */
    uint32_t position;        /* waits: how many go first, from 0 */
    uint32_t waiting;         /* in line over all workers */
    int64_t eta_ns; /* waits, refused: time until its slot opens; -1 unknown */
    uint32_t limit, remaining; /* granted: the window, after this send */
    int64_t reset_ns;          /* granted: until the window is empty again */
};

struct ticket;
struct limiter;

typedef void ticket_fn(void *arg, const struct ticket_news *news);

/* Told of every event in the life of the state file; must not call back. */
typedef void limiter_log_fn(void *arg, const char *event, const char *message);

/*
 * Opens or creates the state file in directory DIR (DESIGN, shared state).
 * Returns 0 and gives *OUT, or -1 with one line in ERR that says what was
 * found and what to do.
 */
MUST_USE int limiter_open(struct limiter **out, const char *dir,
                          const struct limiter_settings *set, int64_t now,
                          limiter_log_fn *log, void *log_arg, char *err,
                          size_t err_max);
/* Gives back every ticket and the worker's place.  NULL is fine. */
void limiter_close(struct limiter *lim);

/* Other settings, from the next turn on, for all workers. */
void limiter_set(struct limiter *lim, const struct limiter_settings *set);

/* Readable when another worker has something for us: take a turn. */
int limiter_fd(const struct limiter *lim);

/*
 * Does all that was asked.  Callbacks run inside, after the lock is gone, and
 * may ask for more.  Returns when the next turn is due: NOW or earlier means
 * at once, at the latest a second ahead.  A NOW that is behind the clock is
 * raised to it: a process that slept must not put a send into the past.
 */
int64_t limiter_turn(struct limiter *lim, int64_t now);

/* A new ticket; FN hears of it during a turn.  Never NULL. */
struct ticket *limiter_join(struct limiter *lim,
                            const struct limiter_request *req, ticket_fn *fn,
                            void *arg);
/* A granted request's last byte is on the wire, just now: this moment is what
 * the log of sends keeps, however much later the next turn is.  Asked of a
 * ticket that was not told TICKET_GRANTED, this and limiter_again() do
 * nothing. */
void limiter_sent(struct limiter *lim, struct ticket *t);
/* A granted one comes back to the head of its own line.  UNSENT: no byte of it
 * reached the wire, so it used no slot. */
void limiter_again(struct limiter *lim, struct ticket *t, bool unsent);
/* The body is no longer held. */
void limiter_body_gone(struct limiter *lim, struct ticket *t);
/* The request is over, in whatever state; takes the ticket.  UNSENT matters
 * only after TICKET_GRANTED: one that was not told so cannot have sent. */
void limiter_done(struct limiter *lim, struct ticket *t, bool unsent);

/* Something was asked that needs a turn. */
bool limiter_has_wishes(const struct limiter *lim);

/* Where a waiting ticket stands now: as TICKET_WAITS.  Returns false, leaving
 * *NEWS as it was, while the lock is busy or the ticket does not wait. */
bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news);

/* ---- looking at the whole ------------------------------------------- */

struct view_scope {
    char name[LIMITER_NAME_MAX]; /* of the upstream, or the model */
    uint32_t upstream;
    struct limiter_rules rules;
    uint32_t used, open, in_flight;
    uint32_t waiting[LIMITER_CLASSES];
    int64_t tokens_milli;
    int64_t next_slot_ns; /* from now; 0: open; -1 unknown */
    int64_t eta_ns;       /* of a new normal request; -1 unknown */
};

struct view_row {
    uint64_t id;
    char request_id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
    uint32_t scope; /* index into the view's scopes */
    enum limiter_class cls;
    bool stream, waiting;
    uint32_t pid;      /* of its worker */
    uint32_t position; /* waiting: how many of its scope go first */
    int64_t age_ns, eta_ns;
    uint64_t body_bytes;
    uint64_t key; /* virtual start; the order within a class */
    int64_t arrival;
};

struct view_worker {
    uint32_t pid;
    bool stalled;
    int64_t age_ns, seen_ns; /* since it started, since it was seen */
};

/* A copy of the shared state, as people want to see it. */
struct limiter_view {
    int64_t uptime_ns; /* of the service */
    uint32_t n_scopes, n_rows, n_workers;
    uint64_t held_bytes;
    struct limiter_bounds bounds;
    struct limiter_counters counters;
    struct view_scope *scopes;
    struct view_row *rows; /* waiting first, in the order they will go */
    struct view_worker *workers;
};

/* Fills *OUT, to be given to view_free(); false while the state is busy. */
MUST_USE bool limiter_view(struct limiter *lim, int64_t now,
                           struct limiter_view *out);
void view_free(struct limiter_view *view);

/* Time since the service started, without a lock; 0 while unknown. */
int64_t limiter_uptime_ns(struct limiter *lim, int64_t now);

#endif
