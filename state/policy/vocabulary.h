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
#define LIMITER_NAME_MAX   128  /* client and model names, with the zero */
#define LIMITER_ID_MAX     32   /* request ids, with the zero */
#define LIMITER_TRACE_MAX  33   /* trace ids (W3C), with the zero */
#define LIMITER_REASON_MAX 96   /* why a hold or a bench began, with the zero */
#define LIMITER_BY_MAX     48   /* who paused, with the zero */
#define LIMITER_WORKERS    1024 /* places of processes on one state */
#define LIMITER_MODELS     256
#define LIMITER_CLIENTS    1024

#define NONE UINT32_MAX /* no index */

/*
 * A vocabulary is one list of rows X(KIND, NAME, ...): its enum, its names on
 * the wire (JSON, metrics, log) and the length of every table come from it.  A
 * new kind is one more row; tests/unit/test_vocabulary.c and the compiler name
 * what forgets it.  The files of the state know kinds by their number: a new
 * one, wherever it stands, takes a new version of its file.  The assertion
 * beside its names (vocabulary.c, outcomes.c) says which.
 */
#define LIST_KIND(kind, ...)  kind,
#define LIST_NAME(kind, ...)  [kind] = LIST_FIRST(__VA_ARGS__, 0),
#define LIST_FIRST(name, ...) name

#define LIMITER_CLASS_LIST(X)                                                  \
    X(CLASS_HIGH, "high")                                                      \
    X(CLASS_NORMAL, "normal")                                                  \
    X(CLASS_LOW, "low")

enum limiter_class { LIMITER_CLASS_LIST(LIST_KIND) LIMITER_CLASSES };

extern const char *const limiter_class_names[LIMITER_CLASSES];

/* What of a request an upstream's limit in tokens counts. */
enum tokens_counted {
    TOKENS_BOTH = 0,
    TOKENS_IN = 1, /* the prompt's alone */
    TOKENS_OUT = 2,
    TOKENS_COUNTED = 3,
};

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
    uint32_t learns;        /* 1: whose limit it is that refuses is found out */
    uint32_t line;          /* 1 + the index of the upstream in whose line its
                             * requests wait, where several may serve the same
                             * model; 0: it has a line of its own */
    uint32_t share;         /* 1..1,000 (0: 1): of several that are open at
                             * once, what it gets of their requests */
    int64_t retreat_max_ns; /* retreat.max_s, to a day; 0: five minutes */
    uint32_t tokens;        /* in a window, to 2^31; 0: no limit */
    uint32_t counts;        /* enum tokens_counted */
};

/* True bounds of the queue, over all workers. */
struct limiter_bounds {
    uint32_t waiting;    /* queue.max, 1..4,096 */
    uint32_t per_client; /* queue.per_client */
    uint64_t bytes;      /* queue.max_mb, of bodies held */
};

/* A store that several hosts share (leader.h). */
struct limiter_store {
    uint32_t used;          /* 1: slots come from it */
    uint32_t share_on_loss; /* 1: where it is lost, each host goes on with its
                             * part; 0: all wait */
    uint32_t ahead;         /* slots in hand while nobody waits */
};

struct limiter_settings {
    struct limiter_store store;
    struct limiter_rules rules[LIMITER_UPSTREAMS];
    uint32_t n_upstreams;
    struct limiter_bounds bounds;
};

/* Why the limiter takes a request into no line, or out of its line. */
#define LIMITER_REFUSAL_LIST(X)                                                \
    X(REFUSED_NOT, NULL)                                                       \
    X(REFUSED_QUEUE_FULL, "queue_full")         /* queue.max */                \
    X(REFUSED_CLIENT_FULL, "client_queue_full") /* queue.per_client */         \
    X(REFUSED_BYTES, "queue_bytes")             /* queue.max_mb */             \
    X(REFUSED_DEADLINE, "deadline")             /* the ETA is past it */       \
    X(REFUSED_TABLE, "table_full")              /* rows, clients, models */    \
    X(REFUSED_STATE, "state")                   /* it cannot be had */         \
    X(REFUSED_MODEL_OFF, "model_off")           /* its model is benched */     \
    X(REFUSED_UPSTREAM_HELD, "upstream_held")   /* nobody pays for it */       \
    X(REFUSED_TOKENS, "tokens") /* more than a whole limit in tokens */

/* What an upstream's answer means for those that wait (verdicts.c). */
#define LIMITER_ANSWER_LIST(X)                                                 \
    X(ANSWER_FINE, "fine")     /* no refusal, or the client's own error */     \
    X(ANSWER_RATE, "rate")     /* the scope's rate: it retreats */             \
    X(ANSWER_BUSY, "busy")     /* the model has more than it can bear */       \
    X(ANSWER_OFF, "off")       /* the model is off, gone or unknown */         \
    X(ANSWER_UNPAID, "unpaid") /* the account is: the upstream is held */      \
    X(ANSWER_AWAY, "away")   /* nobody is there: the same, where others are */ \
    X(ANSWER_FAULT, "fault") /* it says nothing of limits */

#define RETREAT_STATE_LIST(X)                                                  \
    X(RETREAT_NORMAL, "normal")                                                \
    X(RETREAT_HOLDING, "holding")       /* nothing goes */                     \
    X(RETREAT_PROBING, "probing")       /* one goes, the rest wait for it */   \
    X(RETREAT_RECOVERING, "recovering") /* fewer than the limit go */

/* What an upstream's refusals turned out to be. */
#define LEARNED_LIST(X)                                                        \
    X(LEARNED_NOTHING, "as_set") /* the settings' own, as far as is known */   \
    X(LEARNED_WINDOW, "window")  /* so many in a window */                     \
    X(LEARNED_RATE, "rate")      /* one after the other, at a pace */          \
    X(LEARNED_LUCK, "luck")      /* none: it refuses some at random */

/* What made a scope or an upstream hold. */
#define HOLD_CAUSE_LIST(X)                                                     \
    X(HOLD_RATE, "rate")         /* a refusal out of the blue */               \
    X(HOLD_PROBE, "probe")       /* the probe was refused: longer */           \
    X(HOLD_RECOVERY, "recovery") /* refused while recovering: longer */        \
    X(HOLD_UNPAID, "unpaid")

enum limiter_refusal { LIMITER_REFUSAL_LIST(LIST_KIND) REFUSALS };
enum limiter_answer { LIMITER_ANSWER_LIST(LIST_KIND) ANSWERS };
enum retreat_state { RETREAT_STATE_LIST(LIST_KIND) RETREAT_STATES };
enum learned { LEARNED_LIST(LIST_KIND) LEARNED_KINDS };
enum hold_cause { HOLD_CAUSE_LIST(LIST_KIND) HOLD_CAUSES };

/* REFUSED_NOT has no name. */
extern const char *const limiter_refusal_names[REFUSALS];
extern const char *const limiter_answer_names[ANSWERS];
extern const char *const retreat_state_names[RETREAT_STATES];
extern const char *const learned_names[LEARNED_KINDS];
extern const char *const hold_cause_names[HOLD_CAUSES];

/* Why a model, or an upstream, is left alone (a bench): each has a time of its
 * own where the upstream gives none (ejection.c), and is told as a status
 * (fcgi/config/told.h). */
#define EJECTION_CAUSE_LIST(X)                                                 \
    X(EJECTED_NOT, NULL)                                                       \
    X(EJECTED_UNAVAILABLE, "unavailable") /* for longer than is waited */      \
    X(EJECTED_DEGRADED, "degraded")       /* known to be out of order */       \
    X(EJECTED_UNKNOWN, "unknown")         /* no such model */                  \
    X(EJECTED_GONE, "gone")               /* there was one */                  \
    X(EJECTED_RATE, "rate")     /* no more for longer than is held */          \
    X(EJECTED_UNPAID, "unpaid") /* the upstream; those above are of a model */ \
    X(EJECTED_QUOTA, "quota")   /* the same: what was paid for is used up */   \
    X(EJECTED_KEY, "key")       /* the same: our key is refused there */       \
    X(EJECTED_AWAY, "away")     /* the same: it cannot be reached */           \
    X(EJECTED_FAULTY, "faulty") /* the same: all it says is errors */

enum ejection_cause { EJECTION_CAUSE_LIST(LIST_KIND) EJECTION_CAUSES };

/* Do requests wait for an upstream that is left alone for it?  Else they are
 * refused. */
static inline bool ejection_waits(enum ejection_cause cause)
{
    return cause == EJECTED_AWAY || cause == EJECTED_FAULTY;
}

/* EJECTED_NOT has no name. */
extern const char *const ejection_cause_names[EJECTION_CAUSES];

/* What an answer says of the key that its request bore. */
enum key_word {
    KEY_UNTOLD = 0, /* nothing */
    KEY_ACCEPTED = 1,
    KEY_REFUSED = 2,
};

/* Where a request may go: an upstream, and by which name its model is known
 * there. */
struct limiter_choice {
    uint32_t upstream;   /* index into the settings */
    const char *model;   /* "" where the request names none */
    uint32_t rank;       /* 0..200.  Lower ones first; of equal ones whose slot
                          * opens first, and of several open ones by `share` */
    int64_t patience_ns; /* a slot of a higher rank is not taken while one here
                          * opens within this; up to ten minutes */
};

#define LIMITER_CHOICES 16

/* A request of the same conversation as one before it rather goes where that
 * went: its prompt is in a cache there. */
struct limiter_affinity {
    uint64_t key;        /* the conversation's number; 0: none */
    int64_t patience_ns; /* so much longer it waits for that; up to ten
                          * minutes */
};

/* What a ticket asks for.  Strings are copied, cut to their bounds. */
struct limiter_request {
    uint32_t upstream; /* index into the settings */
    /* Where it may go, lower ranks first: copied, those beyond LIMITER_CHOICES
     * are left out, and so are those that have no line in common with the
     * first.  None: to `upstream`, for `model`. */
    const struct limiter_choice *choices;
    uint32_t n_choices;
    struct limiter_affinity affinity;
    enum limiter_class cls;
    uint32_t weight; /* the client's share, 1..1,000 */
    const char *client;
    const char *model;      /* "" where a request names none */
    const char *request_id; /* shown in the queue */
    const char *trace;      /* the same: LIMITER_TRACE_MAX - 1 hex digits; NULL
                             * or "": it is part of none */
    bool stream;
    uint32_t requests_per_min; /* the client's own limit, over all upstreams;
                                * 0: none; the newest word on it counts */
    uint32_t tokens_per_min;   /* the same in tokens, what comes in and what
                                * goes out, to 2^31; 0: none */
    uint64_t tokens_per_day;   /* in any 24 hours, to 2^43; 0: none */
    uint64_t prompt_bytes;     /* of its text: its tokens are guessed by it; 0:
                                * it has none */
    uint32_t prompt_guess;     /* the tokens of its texts, by what they are; 0:
                                * not known */
    uint32_t max_tokens;       /* the client's own bound of the answer; 0: it
                                * set none */
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
    bool own_limit; /* waits: what decides eta_ns is its client's own limit */
    int64_t eta_ns; /* waits, refused: time until its slot opens, or the bench
                     * or hold ends; -1 unknown */
    uint64_t tokens, tokens_max; /* REFUSED_TOKENS: it takes so many at least,
                                  * and the whole limit is */
    enum ejection_cause cause;   /* REFUSED_MODEL_OFF, REFUSED_UPSTREAM_HELD */
    char reason[LIMITER_REASON_MAX]; /* of the same: what the upstream said */
    uint32_t choice;                 /* granted: which of the choices, if any */
    uint32_t limit, remaining;       /* granted: the window, after this send */
    uint32_t token_ratio_m; /* waits, granted: as limiter_token_ratio() */
    int64_t reset_ns;       /* granted: until the window is empty again */
    int64_t valid_until_ns; /* granted: it holds for so long in any case; then
                             * limiter_may_write() has to look again */
};

/* What the upstream's answer to a request meant. */
struct limiter_report {
    enum limiter_answer answer;
    int64_t retry_after_ns; /* -1: none given; bounded by whoever uses it */
    uint32_t
        at_once; /* ANSWER_BUSY: as many it bears, it says; 0: it does not */
    enum ejection_cause
        cause;           /* ANSWER_OFF: which bench, if no time is given */
    enum key_word key;   /* of ours; of a client's own nothing is said */
    uint16_t key_status; /* KEY_REFUSED: with this */
    uint32_t shun;       /* ANSWER_FAULT: the choices of the request that would
                          * fail as this one did, a bit each: others first */
    int64_t tokens_left; /* the upstream's own word: so many are left of the
                          * window's; -1: it has none */
    char reason[LIMITER_REASON_MAX]; /* one line for people; never a prompt */
};

/* What an answer took in truth, in tokens; -1: not told. */
struct limiter_usage {
    int64_t in, out;
};

typedef void ticket_fn(void *arg, const struct ticket_news *news);

/* Told of every event in the life of the state file; must not call back. */
typedef void limiter_log_fn(void *arg, const char *event, const char *message);

#endif
