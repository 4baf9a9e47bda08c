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

#include "lib/base.h"
#include "lib/serial.h"
#include "state/stats/reservoir.h"

#define LIMITER_UPSTREAMS  16
#define LIMITER_NAME_MAX   128 /* client and model names, with the zero */
#define LIMITER_ID_MAX     32  /* request ids, with the zero */
#define LIMITER_REASON_MAX 96  /* why a hold or a bench began, with the zero */
#define LIMITER_BY_MAX     48  /* who paused, with the zero */
#define LIMITER_CLASSES    3

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

struct limiter_counters {
    uint64_t joined, granted, sent, left, done, again;
    uint64_t refused[REFUSALS];
    uint64_t answers[ANSWERS];   /* reported, and not out of date */
    uint64_t holds[HOLD_CAUSES]; /* begun */
    uint64_t probes;             /* let through, 402 tries too */
    uint64_t retreats_over;      /* scopes that are back at their limit */
    uint64_t benches;            /* begun */
    uint64_t ceilings_cut;
    uint64_t holds_ended;     /* by an operator; benches too */
    uint64_t repairs;         /* times the dirty word was found up */
    uint64_t recoveries;      /* times the file was replaced */
    uint64_t histories_aside; /* files of the history that were none */
    uint64_t swept;           /* dead workers */
    uint64_t revoked;         /* offers that lapsed */
    uint64_t seniors;         /* retries let to the head of their line */
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

struct ticket;
struct limiter;

typedef void ticket_fn(void *arg, const struct ticket_news *news);

/* Told of every event in the life of the state file; must not call back. */
typedef void limiter_log_fn(void *arg, const char *event, const char *message);

/*
 * Opens or creates the state file in directory DIR (DESIGN, shared state).
 * DATA_DIR, or NULL, is where workers are looked for that had another directory
 * by the name of DIR.  Returns 0 and gives *OUT, or -1 with one line in ERR
 * that says what was found and what to do.
 */
MUST_USE int limiter_open(struct limiter **out, const char *dir,
                          const char *data_dir,
                          const struct limiter_settings *set, int64_t now,
                          limiter_log_fn *log, void *log_arg, char *err,
                          size_t err_max);
/* Gives back every ticket and the worker's place.  NULL is fine. */
void limiter_close(struct limiter *lim);
/* Does any of ours wait or run? */
bool limiter_has_tickets(const struct limiter *lim);
/* Nothing is asked of us for a while: memory that is easily had again goes. */
void limiter_rest(const struct limiter *lim);

/* Other settings, from the next turn on, for all workers: unless the state
 * knows of a newer generation than ours. */
void limiter_set(struct limiter *lim, const struct limiter_settings *set);
/* The same, of GENERATION (serial.h): if it is newer than what the state
 * knows, every worker is poked and finds it in limiter_generation(). */
void limiter_adopt(struct limiter *lim, const struct limiter_settings *set,
                   uint64_t generation);
/* The newest generation, as the last turn saw it; 0: none yet. */
uint64_t limiter_generation(const struct limiter *lim);
/* Has every worker that answers adopted GENERATION, or a newer one?  Also
 * false while the state is busy. */
MUST_USE bool limiter_all_follow(struct limiter *lim, uint64_t generation,
                                 int64_t now);

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
/* A ticket of NULL, in what follows, is a request that has none: it is in no
 * line and uses no slot. */

/*
 * The next thing is T's first byte on the wire: may it?  To be asked each time,
 * as late as can be, because a grant ends when the state file is lost, an
 * operator pauses or cancels, or (with a store for several machines) its lease
 * is over: and whoever was stopped meanwhile knows nothing of it.  False: write
 * nothing, and say limiter_again() with UNSENT.  Memory, a clock, and at most
 * three stats a second; no lock.  NULL, a request without a ticket: it may.
 */
MUST_USE bool limiter_may_write(struct limiter *lim, struct ticket *t,
                                int64_t now);
/* A granted request's last byte is on the wire, just now: this moment is what
 * the log of sends keeps, however much later the next turn is.  Asked of a
 * ticket that was not told TICKET_GRANTED, or of NULL, this and the next two
 * do nothing. */
void limiter_sent(struct limiter *lim, struct ticket *t);
/* A granted one is to be tried again, but not before FOR_NS are over: it gives
 * its slot back now and keeps its place at the head of its line, where it
 * comes to with limiter_again(), which its owner says then.  UNSENT as there.
 * NULL: nothing. */
void limiter_aside(struct limiter *lim, struct ticket *t, bool unsent,
                   int64_t for_ns);
/* A granted one, or one aside, comes back to the head of its own line.  UNSENT: no byte of it
 * reached the wire, so it used no slot.  NULL: nothing, and nobody will ever
 * be granted by it. */
void limiter_again(struct limiter *lim, struct ticket *t, bool unsent);

/* What the upstream's answer to a request meant. */
struct limiter_report {
    enum limiter_answer answer;
    int64_t retry_after_ns; /* -1: none given; bounded by whoever uses it */
    uint16_t status;        /* the answer's */
    char reason[LIMITER_REASON_MAX]; /* one line for people; never a prompt */
};

/*
 * The verdict on a granted and sent request's answer; asked of any other
 * ticket, or of NULL, it does nothing.  Once for each attempt, as soon as it is known.
 * After ANSWER_RATE and ANSWER_BUSY the caller goes on with limiter_again(),
 * and the request waits at the head of its line.
 */
void limiter_report(struct limiter *lim, struct ticket *t,
                    const struct limiter_report *rep);

/* An operator ends, at the next turn, what holds UPSTREAM back: its retreat
 * and its 402 hold; or, with a MODEL, that one's bench, ceiling and retreat.
 * False: too many such wishes at once. */
MUST_USE bool limiter_end_hold(struct limiter *lim, uint32_t upstream,
                               const char *model);

/*
 * Nothing is granted any more, in any worker, until somebody resumes; who
 * waits, waits on.  BY, copied, is who wants that; NULL resumes.  Take a turn
 * after it.  False: the state is busy, ask again.  Neither this nor the next
 * may be called from a callback of a turn.
 */
MUST_USE bool limiter_pause(struct limiter *lim, const char *by, int64_t now);
/* As the last turn saw it. */
bool limiter_is_paused(const struct limiter *lim);
/* Ends the requests with this id, any worker's: their tickets are told
 * TICKET_CANCELLED.  *N is how many there are.  False as above. */
MUST_USE bool limiter_cancel(struct limiter *lim, const char *request_id,
                             int64_t now, uint32_t *n);

/* T was not left by its client: we failed it.  To be said before
 * limiter_done(), so that a retry of it is known (see fingerprint).  NULL:
 * nothing. */
void limiter_lost(struct limiter *lim, struct ticket *t);
/* The body is no longer held.  NULL: nothing. */
void limiter_body_gone(struct limiter *lim, struct ticket *t);
/* The request is over, in whatever state; takes the ticket.  UNSENT matters
 * only after TICKET_GRANTED: one that was not told so cannot have sent.  NULL:
 * nothing. */
void limiter_done(struct limiter *lim, struct ticket *t, bool unsent);

/* The key of all fingerprints: random, the same for all workers, not known
 * outside of the state file. */
uint64_t limiter_secret(const struct limiter *lim);

/* Something was asked that needs a turn. */
bool limiter_has_wishes(const struct limiter *lim);

/* Where a waiting ticket stands now: as TICKET_WAITS.  Returns false, leaving
 * *NEWS as it was, while the lock is busy or the ticket does not wait; NULL
 * never does. */
bool limiter_place(struct limiter *lim, struct ticket *t, int64_t now,
                   struct ticket_news *news);

/* ---- readiness -------------------------------------------------------- */

enum probe_state {
    PROBE_KNOWN = 0,  /* an upstream was asked not long ago */
    PROBE_OURS = 1,   /* the caller is to ask, and to say limiter_probed() */
    PROBE_OTHERS = 2, /* another worker asks: look again in a moment */
};

struct limiter_probe_times {
    int64_t fresh_ns; /* for so long an answer is remembered */
    int64_t lease_ns; /* for so long nobody else asks */
};

struct limiter_ready_upstream {
    int64_t tokens_milli, burst_milli; /* in the bucket, and at most */
    int64_t eta_ns;                    /* of a new normal request; -1 unknown */
    uint16_t key_status; /* 401, 403: it does not like our key; else 0 */
    bool unpaid;         /* it wants to be paid: all to it is refused */
};

struct limiter_ready {
    enum probe_state probe;
    bool reachable;  /* as it was known last */
    uint16_t status; /* of that answer; 0: there was none */
    uint32_t waiting, waiting_max;
    uint32_t n_upstreams;
    struct limiter_ready_upstream upstreams[LIMITER_UPSTREAMS];
};

/* Could a new request be served?  False: the state is busy, ask again. */
MUST_USE bool limiter_ready(struct limiter *lim,
                            const struct limiter_probe_times *times,
                            int64_t now, struct limiter_ready *out);
/* What came of PROBE_OURS.  False as above. */
MUST_USE bool limiter_probed(struct limiter *lim, bool reachable,
                             uint16_t status, int64_t now);

/* ---- what has become of requests -------------------------------------- */

/* What became of a request (fcgi/API.md). */
enum outcome {
    OUTCOME_OK = 0,
    OUTCOME_CLIENT_ERROR = 1, /* a 4xx that is the request's own fault */
    OUTCOME_REFUSED = 2,      /* by us: queue, deadline, pause, drain, state */
    OUTCOME_RATE = 3,         /* a 429 that waiting could not save */
    OUTCOME_OFF = 4,          /* its model is off, or nobody pays */
    OUTCOME_UPSTREAM_ERROR = 5, /* 5xx, unreachable, timeout */
    OUTCOME_TRUNCATED = 6,
    OUTCOME_HANGUP = 7,    /* its client went */
    OUTCOME_CANCELLED = 8, /* by an operator */
    OUTCOME_LOST = 9,      /* its worker died, or ended before it */
    OUTCOMES = 10,
};

/* What was wrong with an upstream's answer, or that there was none; also why
 * a request went again. */
enum upstream_error {
    UPSTREAM_FINE = 0,
    UPSTREAM_RATE = 1,         /* too many requests */
    UPSTREAM_BUSY = 2,         /* no worker is free for that model */
    UPSTREAM_OFF = 3,          /* the model is off or gone */
    UPSTREAM_UNKNOWN = 4,      /* no such model */
    UPSTREAM_UNPAID = 5,       /* 402 */
    UPSTREAM_KEY = 6,          /* 401, 403 */
    UPSTREAM_CLIENT = 7,       /* another 4xx */
    UPSTREAM_SERVER = 8,       /* 5xx, also inside a stream */
    UPSTREAM_TIMEOUT = 9,      /* it said so, or we did */
    UPSTREAM_UNREACHABLE = 10, /* no connection */
    UPSTREAM_SILENT = 11,      /* closed without an answer */
    UPSTREAM_TRUNCATED = 12,
    UPSTREAM_GARBAGE = 13, /* not HTTP, or not what was asked for */
    UPSTREAM_STALE = 14,   /* a kept connection was dead */
    UPSTREAM_ERRORS = 15,
};

/* Why an answer of ours is no answer of the upstream's. */
enum reason {
    REASON_NONE = 0,
    REASON_QUEUE_FULL = 1,
    REASON_CLIENT_FULL = 2,
    REASON_DEADLINE = 3,
    REASON_QUEUE_TIMEOUT = 4,
    REASON_PAUSED = 5,
    REASON_DRAINING = 6,
    REASON_UPSTREAM_OFF = 7, /* and it was not asked again */
    REASON_STATE = 8,
    REASON_CANCELLED = 9,
    REASON_TOO_LARGE = 10,
    REASON_BAD_REQUEST = 11,
    REASON_UNAUTHORIZED = 12,
    REASON_FORBIDDEN = 13,
    REASON_NOT_FOUND = 14,
    REASON_METHOD = 15,
    REASON_OTHER = 16,
    REASONS = 17,
};

/* Where a request was when its client went. */
enum phase {
    PHASE_NONE = 0, /* it did not go */
    PHASE_QUEUE = 1,
    PHASE_FORWARD = 2,
    PHASE_RELAY = 3,
    PHASE_LOCAL = 4, /* a page of our own */
    PHASES = 5,
};

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
    int64_t at_ms;     /* its end, since 1970 */
    int64_t queue_ns, first_byte_ns, generation_ns; /* -1: not so far */
    int64_t total_ns;
    int64_t speed_milli; /* thousandths of a token per second; -1: unknown */
    uint64_t bytes;      /* to the client */
    uint64_t prompt_bytes;
    int64_t tokens_in, tokens_out; /* -1: not told */
    struct reservoir gaps;         /* between tokens, SPREAD_GAP */
    char route[LIMITER_ROUTE_MAX]; /* "": none is counted */
    char code[LIMITER_CODE_MAX];   /* of an error of ours, or "" */
    char provider[LIMITER_PROVIDER_MAX];
    char id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
};

/* One send of a request that is over, or an error of what came after it. */
struct limiter_attempt {
    int64_t first_byte_ns; /* since it began; -1: none came, or no send */
    int64_t duration_ns;   /* the same to its end */
    enum upstream_error error;
    bool again; /* the request goes again because of the error */
    bool fine;  /* it is what its client wanted */
    char provider[LIMITER_PROVIDER_MAX];
};

/* Both copy what they are given; it counts from the next turn on. */
void limiter_note(struct limiter *lim, const struct limiter_note *note);
void limiter_note_attempt(struct limiter *lim, const struct limiter_attempt *a);

/* The part of a model's id that may become a provider: before the first '/',
 * of letters, digits, '.', '_' and '-'; "" where it has none. */
void limiter_provider_of(const char *model, char out[LIMITER_PROVIDER_MAX]);

/* ---- sums of all workers ------------------------------------------------ */

#define TALLY_ROUTES    24
#define TALLY_CODES     24 /* of a route */
#define TALLY_PROVIDERS 32 /* and one for all others */
#define TALLY_BOUNDS    16

/* Upper bounds of a histogram's buckets in milliseconds. */
extern const uint32_t tally_bounds_ms[TALLY_BOUNDS];

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
};

/* The limits of an upstream, or of all its models together. */
struct tally_upstream {
    char name[32];
    uint32_t in_flight, window_used, window_limit;
    int64_t tokens_milli;
    bool unpaid; /* it said 402, and has not answered otherwise since */
    uint32_t states[RETREAT_STATES]; /* how many of its limits are in each */
};

struct limiter_tally {
    struct tally_sums sums;
    struct limiter_counters counters;
    int64_t uptime_ns;
    uint32_t n_workers, n_upstreams;
    uint32_t waiting[LIMITER_CLASSES];
    uint32_t waiting_max; /* queue.max */
    bool paused;
    struct tally_upstream upstreams[LIMITER_UPSTREAMS];
};

/* Copies them.  False: the state is busy, ask again. */
MUST_USE bool limiter_tally(struct limiter *lim, int64_t now,
                            struct limiter_tally *out);

/* ---- what was when ----------------------------------------------------- */

#define PAST_POINTS  1000 /* steps of one answer */
#define PAST_BUCKETS 10
#define PAST_BANDS   3

/* Moments are seconds since 1970. */
struct past_range {
    int64_t from_s, to_s, now_s;
    uint32_t points; /* 1..PAST_POINTS */
};

struct past_step {
    int64_t begin_s;
    bool kept; /* false: we were not running, and all else is 0 */
    uint64_t sends, requests, outcomes[OUTCOMES];
    uint32_t waiting, in_flight;                     /* the most there were */
    uint32_t window_used, window_limit;              /* of the first upstream */
    uint64_t queue_us, first_byte_us, generation_us; /* sums */
    uint64_t queue_n, first_byte_n, generation_n;    /* of how many */
    uint64_t tokens_in, tokens_out;
    /* -1: of none. */
    int64_t queue_p50_us, queue_p95_us, first_byte_p50_us, first_byte_p95_us;
    int64_t speed_p50_milli, speed_p95_milli; /* tokens a second */
    uint64_t counts[PAST_BANDS][PAST_BUCKETS];
};

struct limiter_past {
    int64_t from_s, to_s, step_s;
    int64_t kept_from_s; /* the oldest there is; 0: none */
    uint32_t n;
    struct past_step steps[PAST_POINTS];
};

/* What was from FROM to TO, both included, in steps of the finest kind that is
 * kept so far back; of a future nothing.  False: the state is busy. */
MUST_USE bool limiter_history(struct limiter *lim,
                              const struct past_range *range,
                              struct limiter_past *out);

/* History is to be kept in directory DATA_DIR, made if only it is missing:
 * every EVERY_NS by one of all workers, and at the end.  Called once. */
void limiter_keep(struct limiter *lim, const char *data_dir, int64_t every_ns);

/* ---- the board: a text that all see -------------------------------------- */

#define BOARD_MAX (256 * 1024)

enum board_state {
    BOARD_FRESH = 0,  /* no older than was asked for */
    BOARD_OURS = 1,   /* the caller is to write it: limiter_board_put() */
    BOARD_OTHERS = 2, /* another worker writes it: look again in a moment */
};

/* Who looks after a text that may be FRESH_NS old?  False: the state is busy,
 * ask again.  Takes the lock only for a text that is older. */
MUST_USE bool limiter_board_ask(struct limiter *lim, int64_t fresh_ns,
                                int64_t now, enum board_state *out);
/* After BOARD_OURS: LEN bytes, at most BOARD_MAX.  False: as above, or it was
 * too late and another one does it. */
MUST_USE bool limiter_board_put(struct limiter *lim, const char *text,
                                size_t len);
/* Copies the text into TO[BOARD_MAX] without the lock.  False: there is none.
 * *NUMBER is another one for each text. */
MUST_USE bool limiter_board_read(struct limiter *lim, char *to, size_t *len,
                                 uint64_t *number);
/* The number of the text there is, and when the next one may be asked for. */
uint64_t limiter_board_number(struct limiter *lim, int64_t fresh_ns,
                              int64_t *next_ns);
/* How many look on at this worker. */
void limiter_board_viewers(struct limiter *lim, uint32_t n);

/* ---- looking at the whole ------------------------------------------- */

struct view_retreat {
    enum retreat_state state;
    int64_t age_ns;     /* since it has that state */
    int64_t ends_ns;    /* from now: of the hold, the lease or the step; -1 */
    uint32_t streak;    /* how often the hold was made longer */
    uint32_t allowance; /* sends in a window; normal: the limit */
    char reason[LIMITER_REASON_MAX]; /* of the last hold */
};

/* A bench of a model, or the 402 hold of an upstream. */
struct view_bench {
    int64_t ends_ns; /* from now; 0: it is being tried; -1: there is none */
    uint32_t streak;
    uint16_t status; /* what requests are answered with */
    char reason[LIMITER_REASON_MAX];
};

/* Percentiles of the last some hundred; -1: there are none. */
struct view_spread {
    double p50, p95;
};

/* What became of a model's or a client's requests. */
struct view_figures {
    uint64_t requests, sent, refused, streams; /* streams: of the requests */
    uint64_t outcomes[OUTCOMES];
    uint64_t tokens_in, tokens_out;
    int64_t last_at_ms; /* since 1970; 0: none ended yet */
    struct view_spread first_byte_s, queue_s, token_gap_s, tokens_per_s,
        prompt_bytes;
};

struct view_client {
    char name[LIMITER_NAME_MAX];
    uint32_t waiting, in_flight;
    uint32_t requests_per_min, used_per_min; /* 0: no limit of its own */
    struct view_figures figures;
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

struct view_model {
    char name[LIMITER_NAME_MAX];
    struct view_figures figures;
    uint32_t upstream;
    uint32_t in_flight, waiting;
    uint32_t ceiling; /* in flight at once; 0: none */
    int64_t rest_ns;  /* from now: nothing goes until then; -1: no rest */
    struct view_bench bench;
};

struct view_scope {
    char name[LIMITER_NAME_MAX]; /* of the upstream, or the model */
    uint32_t upstream;
    struct limiter_rules rules;
    uint32_t used, open, in_flight;
    uint32_t waiting[LIMITER_CLASSES];
    int64_t tokens_milli;
    struct view_retreat retreat;
    struct view_bench unpaid; /* of its upstream */
    uint32_t opens, n_opens;  /* where in the view's list, and how many */
    int64_t next_slot_ns;     /* from now; 0: open; -1 unknown */
    int64_t eta_ns;           /* of a new normal request; -1 unknown */
};

struct view_row {
    uint64_t id;
    char request_id[LIMITER_ID_MAX];
    char client[LIMITER_NAME_MAX];
    char model[LIMITER_NAME_MAX];
    uint32_t scope; /* index into the view's scopes */
    enum limiter_class cls;
    bool stream, waiting;
    bool blocked;      /* waiting: its model or its client may not go now */
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

/* Fills *OUT, to be given to view_free(); false while the state is busy. */
MUST_USE bool limiter_view(struct limiter *lim, int64_t now,
                           struct limiter_view *out);
void view_free(struct limiter_view *view);

/* Time since the service started, without a lock; 0 while unknown. */
int64_t limiter_uptime_ns(struct limiter *lim, int64_t now);

#endif
