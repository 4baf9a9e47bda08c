/*
 * layout.h - which bytes are in the state file?
 *
 *   head      written once, checked by every opener
 *   live      flags, clock, counters, free lists
 *   rules     the limits in force, one row per upstream
 *   scopes    one per upstream, then one per model (scope = "model")
 *   flows     one per (scope, class, client) with waiters or with a debt
 *   clients   names, and how many of them wait
 *   models    names; model i owns scope UPSTREAMS + i
 *   quotas    a limit and a log of sends for each client that has one
 *   states    an ejection and a limit on concurrency for each model
 *   debts     a 402 hold for each upstream
 *   probe     does an upstream answer, and who asks
 *   own_keys  what each says of the key that we have for it
 *   control   pause, and the generation of the settings
 *   retries   what was refused or lost in the last minute
 *   affinities  which upstream a conversation had
 *   workers   one per process
 *   rows      one per ticket: waiting, offered, open or sent
 *   wants     where each may go, if that is more than one place
 *   tokens    what each of them takes of limits in tokens
 *   chunks    the log of sends, in pieces of CHUNK_TIMES
 *   store     what a store of several machines said (lay_store.h)
 *   hosts     who shares it
 *   rooms     what it said of each scope
 *   mirrors   which versions we have of what all machines share
 *   leases    slots that it has lent to us
 *   row_lease which of them a row has
 *
 * Statistics have a file of their own (stats/stats_layout.h): what is counted
 * may change without this one.
 *
 * Fields marked (d) are derived: repair.c recomputes them from the rest.
 * A row, flow, name or chunk exists when its first word says so; that word is
 * stored last.  Indices are checked wherever they are read, because the file
 * may have been written by anybody who holds our uid.
 */
#ifndef SLUICE_LAYOUT_H
#define SLUICE_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "state/policy/bucket.h"
#include "state/policy/concurrency.h"
#include "state/policy/control.h"
#include "state/policy/day_sums.h"
#include "state/policy/ejection.h"
#include "state/policy/lay_head.h"
#include "state/policy/lay_store.h"
#include "state/policy/lay_want.h"
#include "state/policy/own_key.h"
#include "state/policy/reachability.h"
#include "state/policy/retreat.h"
#include "state/policy/token_estimate.h"
#include "state/policy/vocabulary.h"

#define LAYOUT_MAGIC   "SLUICE\r\n"
#define LAYOUT_VERSION 14

#define LAY_UPSTREAMS LIMITER_UPSTREAMS
#define LAY_MODELS    LIMITER_MODELS
#define LAY_SCOPES    (LAY_UPSTREAMS + LAY_MODELS)
#define LAY_CLIENTS   LIMITER_CLIENTS
#define LAY_WORKERS   LIMITER_WORKERS
#define LAY_WAITERS   4096  /* the largest queue.max */
#define LAY_ROWS      12288 /* waiters, and twice as many in flight */
#define LAY_FLOWS     8192 /* each waiter can have its own, and as many debts */
#define LAY_BUCKETS   1024 /* hash chains; a power of two */

/* A full queue (500) that is lost at once finds room, and so do 4,096 that
 * differ, but for a few. */
#define LAY_RETRY_SETS 512
#define LAY_RETRY_WAYS 8
#define LAY_RETRIES    (LAY_RETRY_SETS * LAY_RETRY_WAYS)

/* Conversations whose upstream is remembered. */
#define LAY_AFFINITY_SETS 512
#define LAY_AFFINITY_WAYS 8
#define LAY_AFFINITIES    (LAY_AFFINITY_SETS * LAY_AFFINITY_WAYS)

/*
 * 4,352 chunks of 40 sends: 16 windows of 10,000, which may begin and end
 * within a chunk, take 4,016, and a chunk for each of 272 scopes fits beside
 * them: so account windows can never run out.  2,560 more are the clients': one
 * for each, and 61,440 sends in a minute by those with a larger limit; beyond
 * that clients with a limit wait (quota.c).
 */
#define CHUNK_TIMES       40
#define LAY_SCOPE_CHUNKS  4352
#define LAY_CLIENT_CHUNKS 2560
#define LAY_CHUNKS        (LAY_SCOPE_CHUNKS + LAY_CLIENT_CHUNKS)

/* Of one request: 16 million tokens.  All that fits into the log or the rows
 * adds up to less than 2^43. */
#define LAY_WEIGHT_MAX (1u << 24)

/* Of one request, and of a limit in a window; of a day's the second.  What is in
 * all logs and rows adds up to less than 2^50. */
#define LAY_TOKENS_MAX     (1u << 31)
#define LAY_DAY_TOKENS_MAX (UINT64_C(1) << 43)

/* Of a scope: its retreat; of a model: its ejection, and its ceiling; of an
 * upstream: its debt; and the pause. */
#define LAY_MIRRORS (LAY_SCOPES + LAY_MODELS + LAY_UPSTREAMS + 1)

enum row_state {
    ROW_FREE = 0,
    ROW_WAITING = 1, /* in a flow's line */
    ROW_OFFERED = 2, /* a slot is kept for it; its worker must accept */
    ROW_OPEN = 3,    /* granted, last byte not yet on the wire: counts as now */
    ROW_SENT = 4,    /* in flight, its time is in the log */
    ROW_ASIDE = 5,   /* it pauses between two attempts: no slot, in no line */
};

enum row_flag {
    ROW_STREAM = 1,
    ROW_TO_HEAD = 2,
    ROW_CANCELLED = 4,
    ROW_REFUSED = 16,  /* it used its turn */
    ROW_PROBED = 64,   /* it was a probe, and refused: let others try */
    ROW_COUNTED = 32,  /* (d) eligible_measure() counts it */
    ROW_KEPT = 8,      /* waiting: it is charged, and a slot is kept for it */
    ROW_CHOOSES = 128, /* what it wants is in lay_want */
};

struct lay_live {
    uint32_t dirty;     /* up while somebody writes */
    uint32_t writes;    /* as in lay_flag */
    uint32_t retired;   /* a new file has taken this one's place */
    uint32_t rows_high; /* (d) no used row at or above it */
    int64_t now_ns;     /* the latest time any worker worked at */
    int64_t service_start_ns;
    int64_t swept_ns;       /* the last look for dead workers; 0: look now */
    uint64_t last_id;       /* of a ticket */
    uint64_t last_grant;    /* number of a grant */
    int64_t last_arrival;   /* unique, rising: max(now, previous + 1) */
    uint64_t last_chunk;    /* allocation number */
    uint32_t free_row;      /* (d) */
    uint32_t free_flow;     /* (d) */
    uint32_t free_chunk;    /* (d) */
    uint32_t free_chunks;   /* (d) */
    uint32_t client_chunks; /* (d) chunks in the logs of clients */
    uint32_t workers_high;  /* (d) */
    uint32_t waiting;       /* (d) rows waiting or offered, all scopes */
    uint32_t offered;       /* (d) */
    uint32_t open;          /* (d) rows open or offered */
    uint32_t running;       /* (d) rows open or sent */
    uint32_t stalled;       /* (d) workers marked so */
    /* (d) Models and upstreams with an ejection, a hold, a limit or a rest that
     * may be in force, and clients with more in line than their own limit lets
     * through; too high until somebody counts again. */
    uint32_t limited;
    uint32_t refusing; /* number of the newest ejection or 402 hold */
    uint32_t pad;
    uint64_t held_bytes;                     /* (d) request bodies in memory */
    uint64_t active[(LAY_SCOPES + 63) / 64]; /* (d) scopes with waiters */
    uint64_t retreating[(LAY_SCOPES + 63) / 64]; /* (d) and those not normal */
    /* Sends of an upstream before this time are unknown: they may have filled
     * its windows. */
    int64_t lost_ns[LAY_UPSTREAMS];
    /* When the worker began whose word on the scope is in force. */
    int64_t scope_ns[LAY_UPSTREAMS];
    int64_t quota_lost_ns; /* the same for the clients' own limits */
    int64_t quota_span_ns; /* which count for so long; 0: no rules yet */
    uint64_t repairs;      /* times the dirty word was found up */
};

/* As limiter_rules and limiter_bounds, which are copied at the border
 * (limits.c). */
struct lay_rules {
    char name[32];
    int64_t window_ns, margin_ns, min_gap_ns;
    uint32_t requests, burst, in_flight, per_model, learns;
    uint32_t line, share;
    uint32_t tokens, counts, pad;
    int64_t retreat_max_ns;
};

struct lay_bounds {
    uint32_t waiting, per_client;
    uint64_t bytes;
};

struct lay_window {
    uint32_t first, last; /* (d) chunks, oldest first */
    uint32_t n;           /* (d) sends in them */
    uint32_t pad;
    uint64_t weight; /* (d) of these sends, together; N where each weighs 1 */
    uint64_t tokens; /* (d) the same */
};

struct lay_class {
    uint64_t start, finish; /* virtual times among the classes */
    uint64_t v;             /* start of the last flow granted in it */
    uint32_t n;             /* (d) waiters */
    uint32_t may;           /* (d) those that may go: see eligible_measure() */
    uint32_t flows;         /* (d) first flow with waiters */
    uint32_t pad;
};

struct lay_scope {
    struct bucket bucket;
    struct retreat retreat;
    int64_t last_send_ns; /* latest grant or write */
    uint64_t v;           /* start of the last class granted */
    struct lay_class cls[LIMITER_CLASSES];
    struct lay_window window; /* (d) */
    uint32_t waiting;         /* (d) in line */
    uint32_t open;            /* (d) offered or open: count as now */
    uint64_t open_weight;     /* (d) of these, together */
    uint64_t open_tokens;     /* (d) the same, */
    uint64_t lined_tokens;    /* (d) and of those in line */
    uint32_t in_flight;       /* (d) offered, open or sent */
    uint32_t leader;          /* worker that sets its alarm for the next slot */
    int64_t alarm_ns;         /* which is then, as far as it was told */
    uint32_t source;          /* enum slot_source_kind: who says it may send */
    uint32_t kept;            /* (d) slots that are kept, by weight */
    uint32_t probed;          /* (d) in line, and refused as a probe */
    uint32_t
        unseen; /* tokens that by the upstream's word are used up, and of */
    int64_t unseen_ns; /* which we know nothing; they count until then */
};

struct lay_flow {
    uint32_t used;
    uint16_t scope, cls;
    uint32_t client, share; /* as of its newest row */
    uint64_t start, finish;
    uint32_t head, tail, n; /* (d) its line of rows */
    uint32_t prev, next;    /* (d) among the flows with waiters; free list */
    uint32_t chain;         /* (d) hash */
    uint32_t may;           /* (d) as in lay_class */
    uint32_t pad;
};

struct lay_name {
    uint32_t used;
    uint32_t owner;  /* models: the row of the upstream */
    uint32_t refs;   /* (d) rows that name it */
    uint32_t lined;  /* (d) of those, waiting, offered or aside */
    uint32_t chain;  /* (d) hash */
    uint32_t open;   /* (d) clients: rows offered or open */
    int64_t last_ns; /* last use; the oldest unused one makes room */
    char text[LIMITER_NAME_MAX];
};

struct lay_quota {            /* of a client */
    struct lay_window window; /* (d) sends, while it has a limit */
    uint64_t open_weight;     /* (d) of its rows that are offered or open, */
    uint64_t open_tokens;     /* (d) the same, */
    uint64_t lined_weight;    /* (d) and of those waiting, offered or aside */
    uint64_t lined_tokens;    /* (d) the same */
    int64_t lost_ns;          /* sends before this time are unknown */
    uint32_t per_min;         /* requests; 0: no limit, as the next two */
    uint32_t was_free;        /* it sent without a limit: not logged */
    uint32_t tokens_per_min;
    uint32_t pad;
    uint64_t tokens_per_day;
    uint64_t generation; /* of the settings that the limits are from, */
    int64_t said_ns;     /* and when the request came that said so */
    struct day_hour hours[DAY_HOURS]; /* tokens, while it has a limit */
};

struct lay_model_state { /* of a model */
    struct ejection ejection;
    struct concurrency concurrency;
    uint32_t in_flight; /* (d) offered, open or sent */
    uint32_t waiting;   /* (d) in line */
    uint32_t open;      /* (d) offered or open */
    uint32_t kept;      /* (d) slots that are kept for it */
    uint32_t probed;    /* (d) in line, and refused as a probe */
    uint32_t pad;
    int64_t service_ns; /* how long its requests are in flight, about */
    struct token_estimate tokens;
};

struct lay_draft { /* what is being changed (draft.c) */
    uint32_t n;    /* bytes, all of which are there; 0: none.  Stored last */
    uint32_t at;   /* where they belong, from the head on */
    uint8_t bytes[400];
};

struct lay_debt { /* of an upstream that answered 402, or is away */
    struct ejection ejection;
    int64_t lease_ns; /* the end of a try's time */
    uint64_t try_id;  /* the row that tries; 0: none */
    uint32_t try_row;
    uint32_t faults;   /* so many requests in a row got errors and no answer; */
    uint64_t fault_id; /* the row of the last of them */
};

struct lay_worker {
    uint32_t used;
    uint32_t pid;     /* for people only */
    uint64_t address; /* of its wake-up socket */
    int64_t started_ns;
    int64_t seen_ns;
    uint32_t stalled;    /* let an offer lapse and has not been seen since */
    uint32_t offers;     /* (d) rows offered to it */
    uint64_t generation; /* of the settings it follows */
    uint32_t upstreams;  /* the rows it uses, as bits */
    uint32_t pad;
};

struct lay_row {
    uint32_t state; /* enum row_state */
    uint32_t worker;
    uint64_t id;
    int64_t arrival; /* order in its line */
    int64_t joined_ns;
    int64_t changed_ns; /* when it got its state */
    uint64_t grant;     /* number of its last grant; 0: none yet */
    uint64_t body_bytes;
    uint64_t
        fingerprint; /* of client and body, for retry_priority.c; 0: none */
    uint16_t scope, cls;
    uint32_t client, model;
    uint32_t weight;     /* what it takes of the limit: 1..LAY_WEIGHT_MAX */
    uint32_t flow;       /* (d) */
    uint32_t prev, next; /* (d) in its line; next: free list; aside: of its
                          * pause, in ms */
    uint16_t share;      /* its client's, among clients: 1..1,000 */
    uint16_t flags;      /* enum row_flag */
    char request_id[LIMITER_ID_MAX];
};

struct lay_retry {
    uint64_t fingerprint; /* 0: free */
    int64_t at_ns;        /* when it was refused or lost */
};

struct lay_chunk {
    uint32_t scope1; /* scope + 1, or LAY_SCOPES + client + 1; 0 is free */
    uint16_t begin, end;
    uint32_t next;      /* (d) */
    uint32_t grant_end; /* `end` after the newest time was added, and */
    uint64_t grant;     /* the grant it was added for: see repair.c */
    uint64_t number;    /* rises with each allocation: the order of a list */
    int64_t t[CHUNK_TIMES];
    uint32_t weight[CHUNK_TIMES];
    uint32_t tokens[CHUNK_TIMES]; /* guessed; the answer's own, once it told */
};

/* Of the row with the same index: only those are touched that have one. */
struct lay_trace {
    char text[LIMITER_TRACE_MAX - 1]; /* no zero behind it; "": none */
};

struct layout {
    struct lay_head head;
    struct lay_live live;
    struct lay_rules rules[LAY_UPSTREAMS];
    struct lay_draft draft;
    struct lay_bounds bounds;
    struct lay_scope scopes[LAY_SCOPES];
    uint32_t flow_hash[LAY_BUCKETS];   /* (d) */
    uint32_t client_hash[LAY_BUCKETS]; /* (d) */
    uint32_t model_hash[LAY_BUCKETS];  /* (d) */
    struct lay_flow flows[LAY_FLOWS];
    struct lay_name clients[LAY_CLIENTS];
    struct lay_name models[LAY_MODELS];
    struct lay_quota quotas[LAY_CLIENTS];
    struct lay_model_state model_states[LAY_MODELS];
    struct lay_debt debts[LAY_UPSTREAMS];
    struct lay_reachability probe;
    struct lay_own_key own_keys[LAY_UPSTREAMS];
    struct lay_control control;
    struct lay_retry retries[LAY_RETRIES];
    struct lay_affinity affinities[LAY_AFFINITIES];
    struct lay_worker workers[LAY_WORKERS];
    struct lay_row rows[LAY_ROWS];
    struct lay_trace traces[LAY_ROWS];
    struct lay_want wants[LAY_ROWS];
    struct lay_tokens tokens[LAY_ROWS];
    struct lay_chunk chunks[LAY_CHUNKS];
    struct lay_store store;
    struct lay_host hosts[LAY_HOSTS];
    struct lay_room rooms[LAY_SCOPES];
    struct lay_mirror mirrors[LAY_MIRRORS];
    struct lay_mirror settings; /* the same of live settings and keys */
    struct lay_lease leases[LAY_LEASES];
    uint32_t row_lease[LAY_ROWS]; /* 1 + its lease; 0: none */
};

/* Bump LAYOUT_VERSION when one of these fails. */
static_assert(sizeof(struct lay_head) == 72, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_row) == 128, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_chunk) == 672, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_name) == 160, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_flow) == 64, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_affinity) == 24, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_retry) == 16, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_own_key) == 120, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_quota) == 512, "bump LAYOUT_VERSION");
static_assert(sizeof(struct lay_want) == 132, "bump LAYOUT_VERSION");
static_assert(sizeof(struct layout) < 11 << 20, "a few MB at most");
static_assert(sizeof(struct retreat) <= sizeof(((struct lay_draft *)0)->bytes),
              "the largest of those in verdicts.c");

#include "state/policy/lay_at.h"

#endif
