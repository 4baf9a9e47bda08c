/*
 * What a view of the shared state consists of.
 */
#ifndef SLUICE_VIEW_FORM_H
#define SLUICE_VIEW_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/own_key.h"
#include "state/policy/wait_cause.h"
#include "state/stats/outcomes.h"

struct view_retreat {
    enum retreat_state state;
    int64_t age_ns;     /* since it has that state */
    int64_t ends_ns;    /* from now: of the hold, the lease or the step; -1 */
    uint32_t streak;    /* how often the hold was made longer */
    uint32_t allowance; /* sends in a window; normal: the limit */
    char reason[LIMITER_REASON_MAX]; /* of the last hold */
};

/* What refusals have taught of a limit. */
struct view_learned {
    enum learned kind;
    uint32_t requests;         /* a window: so many pass in one */
    int64_t gap_ns;            /* a rate: from one to the next */
    uint32_t refused_permille; /* luck: of a thousand, so many */
    int64_t age_ns;            /* since it was learned */
};

/* A bench of a model, or the hold of an upstream. */
struct view_bench {
    int64_t ends_ns; /* from now; 0: it is being tried; -1: there is none */
    uint32_t streak;
    enum ejection_cause cause; /* what requests are told */
    char reason[LIMITER_REASON_MAX];
};

/* What an upstream says of our key. */
struct view_key {
    enum key_word word;
    uint16_t status;  /* refused with; 0 */
    int64_t since_ns; /* for so long it has said so; -1: it says nothing */
    char message[LIMITER_REASON_MAX];
};

struct view_client {
    char name[LIMITER_NAME_MAX];
    uint32_t waiting, in_flight;
    uint32_t requests_per_min, used_per_min; /* 0: no limit of its own, as */
    uint64_t tokens_per_min, tokens_used;    /* the next two */
    uint64_t tokens_per_day, tokens_used_day;
    struct view_figures figures;
};

struct view_model {
    char name[LIMITER_NAME_MAX];
    struct view_figures figures;
    uint32_t upstream;
    uint32_t in_flight, waiting;
    uint32_t ceiling; /* in flight at once; 0: none */
    int64_t rest_ns;  /* from now: nothing goes until then; -1: no rest */
    struct view_retreat retreat; /* scope "auto": of its own refusals, */
    struct view_learned learned; /* and what they have taught */
    struct view_bench bench;
};

struct view_scope {
    char name[LIMITER_NAME_MAX]; /* of the upstream, or the model */
    uint32_t upstream;
    uint32_t line; /* the upstream in whose line they wait, or NONE: alone */
    struct limiter_rules rules;
    struct upstream_sends went; /* to its upstream */
    uint32_t used, open, in_flight;
    uint32_t waiting[LIMITER_CLASSES]; /* of a shared line: all, at its lead */
    int64_t tokens_milli;
    uint64_t tokens_used;     /* in this window, as far as answers told, */
    uint64_t tokens_reserved; /* by requests that are not written yet, */
    uint64_t tokens_limit;    /* of so many; 0: no limit */
    struct view_retreat retreat;
    struct view_learned learned;
    struct view_key key;      /* ours, for its upstream */
    struct view_bench unpaid; /* its upstream is left alone, whatever for */
    uint32_t opens, n_opens;  /* where in the view's list, and how many */
    int64_t next_slot_ns;     /* from now; 0: open; -1 unknown */
    int64_t eta_ns;           /* of a new normal request; -1 unknown.  Of a
                               * shared line: wherever it goes */
};

struct view_row {
    uint64_t id;
    char request_id[LIMITER_ID_MAX];
    char trace[LIMITER_TRACE_MAX]; /* "": none */
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
    uint32_t scope; /* index into the view's scopes */
    enum limiter_class cls;
    bool stream, waiting;
    bool blocked; /* waiting: its turn does not come, for now */
    bool kept;    /* waiting: it has a slot, its model cannot take it yet */
    uint32_t pid; /* of its worker */
    uint32_t position;  /* waiting: how many of its scope go first */
    uint32_t weight;    /* what it takes of the limit on requests, */
    uint32_t tokens;    /* and, by its estimate, of the one on tokens */
    uint32_t model_row; /* of the table of models, or NONE */
    uint32_t model_nth; /* waiting: how many of its model go first */
    int64_t age_ns, eta_ns;
    uint64_t body_bytes;
    uint64_t key; /* virtual start; the order within a class */
    int64_t arrival;
    bool foretold; /* waiting in a shared line: position and eta_ns are known */
    enum wait_cause cause;   /* waiting: why, */
    uint32_t cause_upstream; /* and of which upstream; or NONE */
    uint32_t client_row;
    int64_t own_ns; /* its client's own limit lets it go in that time, */
    int64_t
        after_first_ns; /* and so long after the first of its line that takes
                             * turns, */
    uint32_t first;     /* which is this row of the state, or NONE; */
    uint32_t row;       /* and this is its own */
    uint8_t n_ways, ways[LIMITER_CHOICES]; /* waiting: the upstreams where it
                                            * may go, the preferred first */
};

/* Those that wait for the same.  Names are NULL, rows NONE, where the cause is
 * of no one upstream, model or client. */
struct view_group {
    enum wait_cause cause;
    uint32_t upstream, model_row, client_row;
    const char *model, *client;
    uint32_t waiting;
    int64_t next_ns, last_ns; /* when the first of them goes, and the last; -1:
                               * that cannot be told */
};

#define VIEW_GROUPS 100 /* more than that nobody reads */

struct view_worker {
    uint32_t pid;
    bool stalled;
    int64_t age_ns, seen_ns; /* since it started, since it was seen */
};

struct view_host {
    char name[64];
    bool self;
    int64_t age_ns, rtt_ns; /* since its last call, which took so long */
    uint32_t waiting, leases;
};

#define VIEW_HOSTS 64

/* The store that this host shares with others. */
struct view_store {
    uint32_t state;      /* enum store_state; STORE_UNUSED: there is none */
    bool has_part;       /* lost, and it will go on with its part */
    int64_t age_ns;      /* since it has that state */
    int64_t full_ns;     /* from now: all windows count as full */
    int64_t rtt_ns;      /* of the last call that was answered, */
    int64_t answered_ns; /* which was made so long ago; -1: there was none */
    uint32_t leader_pid; /* 0: nobody leads */
    uint32_t hosts;      /* that were there then */
    uint32_t held, taken, unsettled; /* leases: unused, in use, to be told */
    uint32_t n_told;
    struct view_host told[VIEW_HOSTS];
};

#define VIEW_OPENS     1000  /* of one scope */
#define VIEW_OPENS_ALL 16000 /* of all */

/* A copy of the shared state, as people want to see it. */
struct limiter_view {
    int64_t uptime_ns; /* of the service */
    int64_t paused_ns; /* since an operator paused; -1: it goes */
    char paused_by[LIMITER_BY_MAX];
    uint32_t n_scopes, n_rows, n_workers, n_models, n_opens;
    uint32_t viewers; /* of the board, at all workers */
    uint64_t builds;  /* of the board */
    uint64_t held_bytes;
    struct limiter_bounds bounds;
    struct view_store store;
    struct limiter_counters counters;
    struct view_scope *scopes;
    struct view_row *rows; /* waiting first, in the order they will go */
    struct view_worker *workers;
    struct view_model *models; /* known ones, by their rows in the table */
    uint32_t n_clients, n_recent;
    struct view_client *clients; /* the same */
    struct view_recent *recent;  /* newest first, up to LIMITER_RECENT */
    uint64_t outcomes[OUTCOMES];
    uint64_t requests; /* ended; and where their time went: */
    int64_t queue_ns, first_byte_ns, generation_ns;
    int64_t *opens; /* from now: when the sends of a window stop to count */
};

#endif
