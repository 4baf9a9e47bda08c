/*
 * What a host and the shared store tell each other, as data: a call's question
 * and its answer.  state/ fills the one and reads the other under its lock;
 * fcgi/store/ carries both over the wire.  Neither knows the other's part.
 *
 * Arrays belong to whoever made the struct, and keep their size.  Times are
 * nanoseconds of CLOCK_BOOTTIME; on the wire they are ages in microseconds.
 */
#ifndef SLUICE_SHARED_FORM_H
#define SLUICE_SHARED_FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base.h"
#include "state/policy/mirrored.h"
#include "state/policy/vocabulary.h"

#define SHARED_HOST_MAX   17  /* 16 hex digits and the zero */
#define SHARED_SCOPE_MAX  168 /* "upstream" or "upstream/model", with the zero */
#define SHARED_VALUE_NAME 192   /* "r:" and a scope's name, ... */
#define SHARED_BLOB_MAX   65536 /* turn.lua takes no more */
#define SHARED_SETTINGS   "s"   /* the value of live settings and keys */
#define SHARED_SETTLES    1024  /* of one call: two words of each lease */
#define SHARED_SCOPES     64
#define SHARED_HEADS      256
#define SHARED_LEASES     512
#define SHARED_VALUES     64
#define SHARED_PUTS       32
#define SHARED_HOSTS      64 /* told to people */
/* So long before its slot opens a lease may be given: then no way to the store lies
 * between the one and the other, and one call serves all slots of that time. */
#define SHARED_EARLY_NS (50 * NS_PER_MS)

enum shared_what { /* the letter on the wire */
                   SHARED_SENT = 's',
                   SHARED_BACK = 'b',
                   SHARED_RENEW = 'r',
                   SHARED_HOLD = 'h',
                   SHARED_TOLD = 't',
                   SHARED_USED = 'f',
};

enum shared_flag {
    SHARED_SYNC = 1,
    SHARED_ALONE = 2,
    SHARED_TELL = 4,
    SHARED_LEAVING = 8,
};

struct shared_settle {
    uint64_t id;
    enum shared_what what;
    int64_t
        at_ns; /* SHARED_SENT: when; its age is taken as the call is written */
    uint32_t tokens;
    uint32_t cls;
    char client[LIMITER_NAME_MAX]; /* SHARED_USED: by whom */
};

struct shared_head {
    uint32_t cls, share, waiting;
    int64_t since_ns; /* its oldest has waited since then */
    uint32_t tokens;
    uint32_t quota_requests; /* the client's own limit; 0: none */
    int64_t quota_span_ns;
    uint32_t quota_tokens;
    char client[LIMITER_NAME_MAX];
};

struct shared_scope {
    char name[SHARED_SCOPE_MAX];
    uint32_t scope; /* state's own index: not on the wire */
    uint32_t limit, tokens, in_flight, flying, ahead, unused;
    int64_t span_ns, gap_ns;
    uint32_t first_head, heads; /* in shared_ask.heads */
};

struct shared_put { /* a value that we changed */
    char name[SHARED_VALUE_NAME];
    uint64_t base; /* the version that it was made from; 0: there was none */
    int64_t hold_ns, gap_ns;
    uint32_t cap, probe;
    uint64_t hash; /* state's own: not on the wire */
    uint32_t len;
    const uint8_t *blob; /* valid until the answer was taken in */
};

struct shared_ask {
    uint64_t host, epoch, vv;
    uint64_t call; /* our own number of it: not on the wire, */
    uint64_t run;  /* nor the server that answered last; 0: none did */
    uint32_t flags;
    uint32_t n_settles, n_scopes, n_heads, n_puts;
    struct shared_settle settles[SHARED_SETTLES];
    struct shared_scope scopes[SHARED_SCOPES];
    struct shared_head heads[SHARED_HEADS];
    struct shared_put puts[SHARED_PUTS];
    struct mirrored_form forms[SHARED_PUTS]; /* where the blobs are */
};

struct shared_lease {
    uint64_t id;
    uint32_t cls; /* LIMITER_CLASSES and an empty client: for anybody (ahead) */
    int64_t left_ns;
    int64_t wait_ns; /* not before so long after the answer came */
    char scope[SHARED_SCOPE_MAX];
    char client[LIMITER_NAME_MAX];
};

struct shared_end {
    uint64_t id;
    int64_t left_ns; /* -1: the store knows no such lease any more */
};

struct shared_room { /* of a scope that was named */
    char name[SHARED_SCOPE_MAX];
    uint32_t used, flying_elsewhere, waiting_elsewhere, recall;
    uint64_t used_tokens;
    uint64_t total;  /* sends that were ever logged in it */
    int64_t next_ns; /* from the call on; -1: time alone opens none */
    int64_t call_ns; /* call then; -1: another host does, or nobody need */
};

struct shared_value {
    char name[SHARED_VALUE_NAME];
    uint64_t version;
    bool own;       /* what we put, taken over */
    int64_t age_ns; /* since it was put */
    uint32_t len;
    const uint8_t *blob; /* within the answer */
};

struct shared_host { /* for people */
    char host[SHARED_HOST_MAX];
    char name[64];
    int64_t age_ns, rtt_ns; /* since its last call; how long that took */
    uint32_t waiting, leases;
};

struct shared_answer {
    uint64_t run;     /* a number of the server, and of its reign */
    int64_t asked_ns; /* when the call was written: leases count from then */
    int64_t full_ns;  /* so long from then all windows count as full */
    uint64_t vv;
    uint32_t hosts; /* that are there, with us */
    uint32_t n_leases, n_ends, n_rooms, n_values, n_refused, n_hosts;
    struct shared_lease leases[SHARED_LEASES];
    struct shared_end ends[SHARED_SETTLES];
    struct shared_room rooms[SHARED_SCOPES];
    struct shared_value values[SHARED_VALUES];
    char refused[SHARED_PUTS][SHARED_VALUE_NAME]; /* puts that came too late */
    struct shared_host hosts_told[SHARED_HOSTS];
};

#endif
