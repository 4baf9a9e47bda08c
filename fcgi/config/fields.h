/*
 * The fields of the settings: what all of Sluice reads.  Each has its row in
 * settings.c, which knows its name, unit and range.
 *
 * Times are milliseconds and sizes are bytes here, whatever unit the file
 * uses; strings are owned by the struct and live until config_free().
 */
#ifndef SLUICE_FIELDS_H
#define SLUICE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"

enum scope_kind {
    SCOPE_ACCOUNT = 0, /* one window for the whole upstream */
    SCOPE_MODEL = 1,   /* one window for each model of it */
    SCOPE_AUTO = 2, /* one for the whole, and whose limit it is that refuses is
                        * found out */
};

/* How an upstream is told our key. */
enum key_header {
    KEY_BEARER = 0, /* Authorization: Bearer KEY */
    KEY_API_KEY = 1,
    KEY_X_API_KEY = 2,
};

/* What of a request a limit in tokens counts. */
enum token_side {
    SIDE_BOTH = 0,
    SIDE_IN = 1,
    SIDE_OUT = 2,
};

/* Which of the upstreams that a request may go to it would rather have. */
enum prefer_kind {
    PREFER_SOONEST = 0,  /* the first whose slot opens */
    PREFER_CHEAPEST = 1, /* by `cost` */
    PREFER_FIRST = 2,    /* by their order */
};

/* When a stream is asked to report its tokens. */
enum usage_mode {
    USAGE_AUTO = 0, /* where somebody counts them */
    USAGE_ALWAYS = 1,
    USAGE_NEVER = 2,
};

/* How an upstream that is asked as chat is told whether to think. */
enum think_mode {
    THINK_AUTO = 0, /* in all ways that it does not refuse */
    THINK_TEMPLATE = 1,
    THINK_EFFORT = 2,
    THINK_OFF = 3, /* it is not told */
};

/* Where it gets what was thought before. */
enum reasoning_field {
    REASONING_NONE = 0, /* nowhere */
    REASONING_CONTENT = 1,
    REASONING_SHORT = 2, /* "reasoning" */
};

/* What a host does while the shared store is away. */
enum loss_kind {
    LOSS_CLOSED = 0, /* nothing goes */
    LOSS_SHARE = 1,  /* its part of the limit does */
};

#define SETTINGS_MAX 112 /* rows of the table in settings.c, with room */

/* Where a request that carries no credential may come from. */
enum origin_range {
    FROM_LOOPBACK = 0,
    FROM_PRIVATE = 1, /* loopback, RFC 1918, RFC 4193, link-local */
    FROM_ANY = 2,
    FROM_NOWHERE = 3, /* `anonymous: no`; `admin.read: token` */
};

struct config_upstream {
    char name[UPSTREAM_NAME_MAX]; /* [a-z0-9_-]+, unique; default "nim" */
    char *base_url;     /* scheme://host[:port][/path][?query]: api_url.c */
    char *api_path;     /* what stands for /v1 behind it; NULL: its path does */
    char *api_key;      /* NULL: the client's own Authorization passes */
    char *api_key_file; /* where api_key came from, if from a file */
    char **api_key_files; /* a key each: as many upstreams (pool.h) */
    size_t n_api_key_files;
    enum key_header key_header;
    char **protocols; /* chat, messages, responses: protocols.h */
    size_t n_protocols;
    enum think_mode thinking; /* this and the next three: asking.h */
    enum reasoning_field reasoning;
    bool prefill;
    int64_t max_tokens;  /* 0: as many as the client wants */
    char **pass_headers; /* of a client's: names, or prefixes with a star */
    size_t n_pass_headers;
    char **set_headers; /* "Name: value" */
    size_t n_set_headers;
    char **models; /* fnmatch(3) patterns; NULL: takes every model */
    size_t n_models;
    char **result_hosts; /* patterns; NULL: no redirect is followed */
    size_t n_result_hosts;
    char *proxy;     /* scheme://[user[:password]@]host:port; NULL: none */
    char **no_proxy; /* as CURLOPT_NOPROXY takes them; NULL: none */
    size_t n_no_proxy;
    char *ca_file; /* PEM, or a directory of hashes; NULL: the system's */
    char *client_cert_file; /* PEM; both or neither */
    char *client_key_file;
    int64_t requests;   /* 1..10000, in any window */
    int64_t window_ms;  /* 100..86400000 */
    int64_t margin_ms;  /* 0..60000, absorbs transit jitter */
    int64_t burst;      /* 1..requests */
    int64_t min_gap_ms; /* 0..600000 */
    int64_t in_flight;  /* 0..4096; 0 = no limit */
    enum scope_kind scope;
    int64_t tokens; /* 0..2e9 in any window; 0 = no limit */
    enum token_side tokens_counted;
    int64_t weight; /* 1..1000: its share of what any may serve */
    int64_t cost;   /* 0..1e9, in any unit */
    size_t pool;    /* the first of those that were one in the settings: itself,
                       or of a lower index */
    size_t
        pool_n; /* how many those are, one behind the other; 0: not yet known */
    size_t line; /* the lowest index of those it shares models with: lines.h */
    unsigned char source[SETTINGS_MAX]; /* enum setting_source, by row */
};

struct client_key;

struct config {
    struct config_upstream upstreams[UPSTREAMS_MAX];
    size_t n_upstreams; /* >= 1 */

    int64_t queue_max;        /* 1..4096 waiters */
    int64_t queue_per_client; /* 1..4096 */
    int64_t queue_timeout_ms;
    int64_t queue_max_bytes; /* of bodies held by this host's workers */

    int64_t commit_after_ms;
    int64_t heartbeat_ms;
    bool buffered_keepalive;
    char **comments_off; /* paths, clients, User-Agents: patterns of them */
    size_t n_comments_off;
    char **wait_events; /* the same */
    size_t n_wait_events;
    int64_t event_patience_ms; /* 0: nobody's is known */

    int64_t connect_ms, first_byte_ms, idle_ms;
    int64_t retry_max;
    int64_t refused_max;
    int64_t retreat_max_ms;
    int64_t ready_queue_percent;  /* full: no longer ready */
    int64_t ready_tokens_percent; /* left: no longer ready */
    int64_t ready_probe_ms;       /* to answer, and to remember that */
    int64_t max_body_bytes;
    int64_t drain_ms;

    enum origin_range anonymous;
    enum origin_range read; /* admin.read; FROM_NOWHERE means `token` */
    char *read_token;       /* NULL: none configured */
    char *read_token_file;  /* where it came from, if from a file */
    char *admin_token;      /* NULL: not in the environment */
    char *admin_token_file; /* NULL: the one in data_dir */
    char **hosts;           /* names a Host header may bear, lower case */
    size_t n_hosts;
    enum prefer_kind prefer;
    int64_t prefer_within_ms; /* longer is not waited for the preferred one */
    int64_t affinity_ms;      /* the same for the one that a conversation had */
    char **fallbacks;         /* "ASKED=MODEL|MODEL": fallbacks.h */
    size_t n_fallbacks;
    char **aliases; /* "PATTERN=NAME": aliases.h */
    size_t n_aliases;
    enum usage_mode usage;
    char **free; /* "METHOD:PATH" with stars: what costs no slot */
    size_t n_free;
    char **origins; /* who may call us: origins.h */
    size_t n_origins;
    char **trusted_proxies; /* whose X-Forwarded-For counts: whence.c */
    size_t n_trusted_proxies;
    char *client_header;   /* NULL: no header names a client */
    bool client_from_user; /* the body's user does */

    struct client_key *clients; /* clients.h */
    size_t n_clients;           /* 0: nobody needs a key of ours */
    struct client_key *made;    /* keys.h; in the order of their names */
    size_t n_made;

    char *shared_url;           /* NULL: this host is alone; store_url.h */
    char *shared_password;      /* NULL: the URL's, or none */
    char *shared_password_file; /* where it came from, if from a file */
    char *shared_account;       /* hosts of one account share its limits */
    char *shared_name; /* of this host, for people; of the machine where nobody
                          chose one */
    char *shared_tls_ca; /* PEM, or a directory of hashes; NULL: the system's */
    enum loss_kind shared_on_loss;
    int64_t shared_ahead; /* 0..16 leases in hand though nobody waits */

    char *state_dir; /* absolute */
    char *data_dir;  /* absolute */
    char *log_path;  /* NULL: standard error */
    int log_level;   /* enum log_level */

    unsigned char source[SETTINGS_MAX]; /* as in config_upstream */
};

#endif
