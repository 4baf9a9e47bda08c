/*
 * The words that the limiter and its callers share: rules, classes, answers,
 * refusals, what a ticket asks and is told.
 */
#ifndef SLUICE_VOCABULARY_H
#define SLUICE_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

#define LIMITER_UPSTREAMS  16
#define LIMITER_NAME_MAX   128 /* client and model names, with the zero */
#define LIMITER_ID_MAX     32  /* request ids, with the zero */
#define LIMITER_REASON_MAX 96  /* why a hold or a bench began, with the zero */
#define LIMITER_BY_MAX     48  /* who paused, with the zero */
#define LIMITER_CLASSES    3
#define LIMITER_WORKERS    1024 /* places of processes on one state */
#define LIMITER_MODELS     256
#define LIMITER_CLIENTS    1024

#define NONE UINT32_MAX /* no index */

enum limiter_class { CLASS_HIGH = 0, CLASS_NORMAL = 1, CLASS_LOW = 2 };

/* The limits of one upstream. */
struct limiter_rules {
    char name[32];
    int64_t window_ns;      /* up to a day, as the next two */
    int64_t margin_ns;      /* a send counts for window + margin */
    int64_t min_gap_ns;     /* between two writes; may be 0 */
    uint32_t requests;      /* 1..10,000 sends in a window */
    uint32_t burst;         /* 1..requests; equal: the window alone decides */
    uint32_t in_flight;     /* 0: no limit */
    uint32_t per_model;     /* 1: each model has a window of its own */
    int64_t retreat_max_ns; /* retreat.max_s, to a day; 0: five minutes */
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
    REFUSED_QUEUE_FULL = 1,    /* queue.max */
    REFUSED_CLIENT_FULL = 2,   /* queue.per_client */
    REFUSED_BYTES = 3,         /* queue.max_mb */
    REFUSED_DEADLINE = 4,      /* the ETA is past it */
    REFUSED_TABLE = 5,         /* rows, clients or models: no room */
    REFUSED_STATE = 6,         /* the shared state cannot be had */
    REFUSED_MODEL_OFF = 7,     /* its model is benched */
    REFUSED_UPSTREAM_HELD = 8, /* nobody pays for it: 402 */
    REFUSALS = 9,
};

/* What an upstream's answer means for those that wait (DESIGN 6). */
enum limiter_answer {
    ANSWER_FINE = 0,   /* no refusal: 2xx, or the client's own error */
    ANSWER_RATE = 1,   /* the scope's rate: it retreats */
    ANSWER_BUSY = 2,   /* the model has more than it can bear */
    ANSWER_OFF = 3,    /* the model is off, gone or unknown: a bench */
    ANSWER_UNPAID = 4, /* the account is: the upstream is held */
    ANSWER_FAULT = 5,  /* broken in a way that says nothing of limits */
    ANSWERS = 6,
};

enum retreat_state {
    RETREAT_NORMAL = 0,
    RETREAT_HOLDING = 1,    /* nothing goes */
    RETREAT_PROBING = 2,    /* one goes, the rest wait for its answer */
    RETREAT_RECOVERING = 3, /* fewer than the limit go */
    RETREAT_STATES = 4,
};

/* What made a scope or an upstream hold. */
enum hold_cause {
    HOLD_RATE = 0,     /* a refusal out of the blue */
    HOLD_PROBE = 1,    /* the probe was refused: longer */
    HOLD_RECOVERY = 2, /* refused while recovering: longer */
    HOLD_UNPAID = 3,   /* 402 */
    HOLD_CAUSES = 4,
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
    uint32_t requests_per_min; /* the client's own limit, over all upstreams;
                                * 0: none; the newest word on it counts */
    uint32_t queue_max;        /* of its requests in line; 0: per_client */
    bool retry;                /* the client says that it asks again */
    uint64_t fingerprint; /* of client and body; 0: none.  A retry of what we
                           * refused or lost within the last minute goes to
                           * the head of its client's line, once */
    uint64_t body_bytes;
    int64_t deadline_ns; /* refuse at once if the ETA is later; or NEVER.  Of
                          * no meaning once it was granted */
};

enum ticket_event {
    TICKET_WAITS = 0,     /* in line; told once after each join */
    TICKET_GRANTED = 1,   /* send it now */
    TICKET_REFUSED = 2,   /* the ticket is gone: do not use it again */
    TICKET_CANCELLED = 3, /* by an operator, waiting or running: end it, and
                           * say limiter_done() */
};

struct ticket_news {
    enum ticket_event event;
    enum limiter_refusal why; /* with TICKET_REFUSED */
    uint32_t position;        /* waits: how many go first, from 0 */
    uint32_t waiting;         /* in line over all workers */
    bool own_limit;  /* waits: what decides eta_ns is requests_per_min */
    int64_t eta_ns;  /* waits, refused: time until its slot opens, or the bench
                     * or hold ends; -1 unknown */
    uint16_t status; /* REFUSED_MODEL_OFF: 404, 410, 429, 503; _HELD: 402 */
    char reason[LIMITER_REASON_MAX]; /* of the same: what the upstream said */
    uint32_t limit, remaining;       /* granted: the window, after this send */
    int64_t reset_ns;       /* granted: until the window is empty again */
    int64_t valid_until_ns; /* granted: it holds for so long in any case; then
                             * limiter_may_write() has to look again */
};

/* What the upstream's answer to a request meant. */
struct limiter_report {
    enum limiter_answer answer;
    int64_t retry_after_ns; /* -1: none given; bounded by whoever uses it */
    uint16_t status;        /* the answer's */
    char reason[LIMITER_REASON_MAX]; /* one line for people; never a prompt */
};

typedef void ticket_fn(void *arg, const struct ticket_news *news);

/* Told of every event in the life of the state file; must not call back. */
typedef void limiter_log_fn(void *arg, const char *event, const char *message);

#endif
