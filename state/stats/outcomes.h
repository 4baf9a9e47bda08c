/*
 * What becomes of a request, in numbers: outcomes, reasons, errors, and the sums
 * of them.
 */
#ifndef SLUICE_OUTCOMES_H
#define SLUICE_OUTCOMES_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"
#include "state/stats/reservoir.h"

/*
 * What all workers have done, in one list: from it are made this struct, the
 * file's own, and what adds them up.
 */
#define LIMITER_COUNTERS(ONE, MANY)                                            \
    ONE(joined)                                                                \
    ONE(granted)                                                               \
    ONE(sent)                                                                  \
    ONE(left)                                                                  \
    ONE(done)                                                                  \
    ONE(again)                                                                 \
    MANY(refused, REFUSALS)                                                    \
    MANY(answers, ANSWERS)   /* reported, and not out of date */               \
    MANY(holds, HOLD_CAUSES) /* begun */                                       \
    ONE(probes)              /* let through, 402 tries too */                  \
    ONE(retreats_over)       /* scopes that are back at their limit */         \
    ONE(benches)             /* begun */                                       \
    ONE(ceilings_cut)                                                          \
    ONE(holds_ended)     /* by an operator; benches too */                     \
    ONE(repairs)         /* times the dirty word was found up */               \
    ONE(recoveries)      /* times the state file was replaced */               \
    ONE(histories_aside) /* files of the history that were none */             \
    ONE(swept)           /* dead workers */                                    \
    ONE(revoked)         /* offers that lapsed */                              \
    ONE(seniors)         /* retries let to the head of their line */

#define LIMITER_ONE(name)      uint64_t name;
#define LIMITER_MANY(name, of) uint64_t name[of];

struct limiter_counters {
    LIMITER_COUNTERS(LIMITER_ONE, LIMITER_MANY)
};

/* What became of a request (fcgi/API.md). */
#define OUTCOME_LIST(X)                                                        \
    X(OUTCOME_OK, "ok")                                                        \
    X(OUTCOME_CLIENT_ERROR, "client_error") /* the request's own fault */      \
    X(OUTCOME_REFUSED, "refused") /* by us: queue, deadline, pause, ... */     \
    X(OUTCOME_RATE, "rate")       /* a 429 that waiting could not save */      \
    X(OUTCOME_OFF, "off")         /* its model is, or nobody pays */           \
    X(OUTCOME_UPSTREAM_ERROR,                                                  \
      "upstream_error") /* 5xx, unreachable, timeout */                        \
    X(OUTCOME_TRUNCATED, "truncated")                                          \
    X(OUTCOME_HANGUP, "hangup")             /* its client went */              \
    X(OUTCOME_CANCELLED, "cancelled")       /* by an operator */               \
    X(OUTCOME_LOST, "lost")                 /* its worker ended before it */   \
    X(OUTCOME_UPSTREAM_KEY, "upstream_key") /* our key is refused: 401, 403 */

/* What was wrong with an upstream's answer, or that there was none; also why
 * a request went again. */
#define UPSTREAM_ERROR_LIST(X)                                                 \
    X(UPSTREAM_FINE, "none")                                                   \
    X(UPSTREAM_RATE, "rate")             /* too many requests */               \
    X(UPSTREAM_BUSY, "busy")             /* no worker for that model */        \
    X(UPSTREAM_OFF, "off")               /* the model is off or gone */        \
    X(UPSTREAM_UNKNOWN, "unknown_model") /* no such model */                   \
    X(UPSTREAM_UNPAID, "unpaid")                                               \
    X(UPSTREAM_KEY, "key")                 /* ours is refused */               \
    X(UPSTREAM_CLIENT, "client")           /* another 4xx */                   \
    X(UPSTREAM_SERVER, "server")           /* 5xx, in a stream too */          \
    X(UPSTREAM_TIMEOUT, "timeout")         /* it said so, or we did */         \
    X(UPSTREAM_UNREACHABLE, "unreachable") /* no connection */                 \
    X(UPSTREAM_SILENT, "silent")           /* closed without an answer */      \
    X(UPSTREAM_TRUNCATED, "truncated")                                         \
    X(UPSTREAM_GARBAGE, "garbage") /* not HTTP, or not what was asked for */   \
    X(UPSTREAM_STALE, "stale_connection") /* a kept one was dead */

/* Why an answer of ours is no answer of the upstream's. */
#define REASON_LIST(X)                                                         \
    X(REASON_NONE, "none")                                                     \
    X(REASON_QUEUE_FULL, "queue_full")                                         \
    X(REASON_CLIENT_FULL, "client_queue_full")                                 \
    X(REASON_DEADLINE, "deadline")                                             \
    X(REASON_QUEUE_TIMEOUT, "queue_timeout")                                   \
    X(REASON_PAUSED, "paused")                                                 \
    X(REASON_DRAINING, "draining")                                             \
    X(REASON_UPSTREAM_OFF, "upstream_off") /* and it was not asked again */    \
    X(REASON_STATE, "state")                                                   \
    X(REASON_CANCELLED, "cancelled")                                           \
    X(REASON_TOO_LARGE, "too_large")                                           \
    X(REASON_BAD_REQUEST, "bad_request")                                       \
    X(REASON_UNAUTHORIZED, "unauthorized")                                     \
    X(REASON_FORBIDDEN, "forbidden")                                           \
    X(REASON_NOT_FOUND, "not_found")                                           \
    X(REASON_METHOD, "method")                                                 \
    X(REASON_NO_WEBSOCKET, "no_websocket")                                     \
    X(REASON_TOKENS, "tokens") /* more than the whole limit in tokens */       \
    X(REASON_OTHER, "other")

/* Where a request was when its client went. */
#define PHASE_LIST(X)                                                          \
    X(PHASE_NONE, "none") /* it did not go */                                  \
    X(PHASE_QUEUE, "queue")                                                    \
    X(PHASE_FORWARD, "forward")                                                \
    X(PHASE_RELAY, "relay")                                                    \
    X(PHASE_LOCAL, "local") /* a page of our own */

enum outcome { OUTCOME_LIST(LIST_KIND) OUTCOMES };
enum upstream_error { UPSTREAM_ERROR_LIST(LIST_KIND) UPSTREAM_ERRORS };
enum reason { REASON_LIST(LIST_KIND) REASONS };
enum phase { PHASE_LIST(LIST_KIND) PHASES };

extern const char *const outcome_names[OUTCOMES];
extern const char *const upstream_error_names[UPSTREAM_ERRORS];
extern const char *const reason_names[REASONS];
extern const char *const phase_names[PHASES];

#define LIMITER_CODE_MAX     32 /* with the zero, as the next two */
#define LIMITER_ROUTE_MAX    16
#define LIMITER_PROVIDER_MAX 32
#define LIMITER_RECENT       100 /* requests that ended last */

/* Tokens of one request: more is no count, and not told. */
#define LIMITER_TOKENS_MAX (INT64_C(1) << 40)

/* One request that is over. */
struct limiter_note {
    enum outcome outcome;
    bool upstreamed; /* it was for the upstream; else only its route, code,
                        reason and phase count */
    uint16_t status; /* of the answer; 499: its client went; 0: none */
    enum reason reason;
    enum phase phase;
    enum limiter_class cls;
    bool stream;
    bool granted;      /* its time in the queue ended with a slot */
    uint32_t upstream; /* index into the settings */
    uint32_t attempts; /* sends of it */
    uint32_t refusals; /* answers of 429 to them */
    int64_t at_ms;     /* its end, since 1970 */
    int64_t queue_ns, first_byte_ns, generation_ns; /* -1: not so far */
    int64_t total_ns;
    int64_t speed_milli; /* thousandths of a token per second; -1: unknown */
    uint64_t bytes;      /* to the client */
    uint64_t prompt_bytes;
    int64_t tokens_in, tokens_out; /* -1: not told */
    bool has_usage;        /* a model's answer, of which tokens could be told */
    struct reservoir gaps; /* between tokens, SPREAD_GAP */
    char route[LIMITER_ROUTE_MAX]; /* "": none is counted */
    char code[LIMITER_CODE_MAX];   /* of an error of ours, or "" */
    char provider[LIMITER_PROVIDER_MAX];
    char id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX]; /* that it was for in the end */
    char asked[LIMITER_NAME_MAX]; /* that its client named; "": the same */
};

/* One send of a request that is over, or an error of what came after it. */
struct limiter_attempt {
    int64_t first_byte_ns; /* since it began; -1: none came, or no send */
    int64_t duration_ns;   /* the same to its end */
    enum upstream_error error;
    bool again; /* the request goes again because of the error */
    bool fine;  /* it is what its client wanted */
    char provider[LIMITER_PROVIDER_MAX];
    uint32_t upstream; /* index into the settings */
};

#define TALLY_ROUTES    24
#define TALLY_CODES     24 /* of a route */
#define TALLY_PROVIDERS 32 /* and one for all others */
#define TALLY_STAND_INS 16 /* the same */
#define TALLY_BOUNDS    16

/* Upper bounds of a histogram's buckets in milliseconds. */
extern const uint32_t tally_bounds_ms[TALLY_BOUNDS];

#define UPSTREAM_SENDS_S 60 /* seconds that are told apart */

/* How many requests went to an upstream since the statistics file was made, and
 * what it answered. */
struct upstream_sends {
    uint64_t all;
    uint64_t minute;  /* of them in the last minute */
    uint64_t refused; /* answers that said 429 */
    uint64_t tokens_in, tokens_out;
    uint64_t answers,
        told; /* good ones; and those of them whose tokens these are */
};

/* Is N an answer that went well, of which its upstream could tell the tokens?
 * Sums of tokens are those of the ones that did: both are counted beside them,
 * or nobody could see how much is missing. */
static inline bool note_is_answer(const struct limiter_note *n)
{
    return n->has_usage && n->outcome == OUTCOME_OK;
}
static inline bool note_is_told(const struct limiter_note *n)
{
    return note_is_answer(n) && (n->tokens_in >= 0 || n->tokens_out >= 0);
}

/* What one answer adds. */
struct upstream_answer {
    uint32_t refused;
    int64_t tokens_in, tokens_out; /* -1: not told */
    uint32_t answers, told;        /* as above: 0 or 1 */
};

struct tally_histogram {
    uint64_t n[TALLY_BOUNDS + 1]; /* the last: above all bounds */
    uint64_t sum_us;
};

struct tally_code {
    uint32_t status; /* 0: free */
    uint32_t pad;
    uint64_t n;
};

struct tally_route {
    char name[LIMITER_ROUTE_MAX]; /* "": free */
    struct tally_code codes[TALLY_CODES];
    uint64_t other; /* with still other codes */
};

struct tally_provider {
    char name[LIMITER_PROVIDER_MAX]; /* "": free */
    struct tally_histogram first_byte, duration;
    uint64_t errors[UPSTREAM_ERRORS];
    uint64_t tokens_in, tokens_out;
    uint64_t answers, told; /* as in upstream_sends */
};

/* Requests for `asked` that `served` had. */
struct tally_stand_in {
    char asked[LIMITER_NAME_MAX]; /* "": free */
    char served[LIMITER_NAME_MAX];
    uint64_t n;
};

struct tally_sums {
    uint64_t requests; /* for the upstream, ended */
    uint64_t outcomes[OUTCOMES];
    uint64_t reasons[REASONS];
    uint64_t phases[PHASES];
    uint64_t retries[UPSTREAM_ERRORS];
    uint64_t queue_us, first_byte_us, generation_us; /* where time went */
    struct tally_histogram queue[LIMITER_CLASSES];
    struct tally_route routes[TALLY_ROUTES + 1];          /* last: others */
    struct tally_provider providers[TALLY_PROVIDERS + 1]; /* last: others */
    struct tally_stand_in stand_ins[TALLY_STAND_INS + 1]; /* last: others */
};

/* Percentiles of the last some hundred; -1: there are none. */
struct view_spread {
    double p50, p95;
};

/* What became of a model's or a client's requests. */
struct view_figures {
    uint64_t requests, sent, refused, streams; /* streams: of the requests */
    uint64_t minute;                           /* of `sent`, in the last one */
    uint64_t outcomes[OUTCOMES];
    uint64_t tokens_in, tokens_out;
    uint64_t answers, told; /* as in upstream_sends */
    int64_t last_at_ms;     /* since 1970; 0: none ended yet */
    struct view_spread first_byte_s, queue_s, token_gap_s, tokens_per_s,
        prompt_bytes;
};

struct view_recent {
    int64_t at_ms; /* since 1970 */
    char id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
    char route[LIMITER_ROUTE_MAX];
    char code[LIMITER_CODE_MAX];
    bool stream;
    uint16_t status;
    enum outcome outcome;
    uint32_t attempts;
    int64_t queue_ns, first_byte_ns, total_ns; /* -1: not so far */
    uint64_t bytes;
    int64_t tokens_in, tokens_out; /* -1: not told */
};

/* The part of a model's id that may become a provider: before the first '/',
 * of letters, digits, '.', '_' and '-'; "" where it has none. */
void limiter_provider_of(const char *model, char out[LIMITER_PROVIDER_MAX]);

#endif
