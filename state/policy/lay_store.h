/*
 * What of a store that several machines share is in this host's file: the slots
 * it has lent to us, and what it said last.
 *
 * A lease is true once its state is stored, which comes last; what a row took is
 * known by the row (repair.c).  All values of the store are looked at before they
 * come here (leader.c).
 */
#ifndef SLUICE_LAY_STORE_H
#define SLUICE_LAY_STORE_H

#include <stdint.h>

#include "lib/base.h"

/* As many can be granted and not written at once; who has more under way waits for
 * the next call. */
#define LAY_LEASES 512
#define LAY_HOSTS  64 /* that people are told of */

/* A lease, as the store gives it, or anew; it is renewed while it is in use.  The
 * script's number is the same (fcgi/store/turn.lua). */
#define STORE_LEASE_NS (3 * NS_PER_S)

/* So long may a send wait to be told, for others to go in the same call: less than
 * SHARED_EARLY_NS, and nothing beside a window. */
#define STORE_TELL_NS (20 * NS_PER_MS)

enum lease_state {
    LEASE_FREE = 0,
    LEASE_HELD = 1,  /* ours, and nobody's yet */
    LEASE_TAKEN = 2, /* a row has it: offered or open */
    LEASE_SENT = 3,  /* it was used, which the store is to be told, */
    LEASE_BACK = 4,  /* or not, which is the same */
    LEASE_TOLD = 5,  /* and how many tokens its answer took */
};

struct lay_lease {
    uint32_t state; /* enum lease_state */
    uint32_t scope;
    uint64_t id;     /* the store's number */
    int64_t end_ns;  /* nothing is written with it from then on */
    int64_t at_ns;   /* held: of use from then.  Sent: written then */
    uint64_t row_id; /* taken: by this row, */
    uint32_t row;    /* which is there */
    uint32_t cls;    /* given for this class, and this client; */
    uint32_t client; /* NONE: for whoever comes */
    uint32_t by_cls, by_client; /* who had it in truth, if that is another */
    uint32_t tokens;            /* sent: as many were guessed */
    uint64_t call;              /* number of the call that told it; 0: none */
};

enum store_state {
    STORE_UNUSED = 0, /* this host has its window for itself */
    STORE_UP = 1,
    STORE_LOST = 2,  /* nothing goes but by leases that are left */
    STORE_ALONE = 3, /* lost, and each host goes on with its part */
};

/* What the store said of a scope. */
struct lay_room {
    int64_t next_ns;    /* when it may have a slot more; NEVER, or an event */
    int64_t call_ns;    /* when we have to call for it; NEVER: others do */
    uint64_t total;     /* sends that the store ever logged in it */
    uint32_t elsewhere; /* of its window: sends of others */
    uint32_t flying;    /* sent and not answered, at the others */
    uint32_t waiting;   /* at the others */
    uint32_t recall;    /* so many that we have unused are wanted elsewhere */
};

/* Another host, or this one, as the store tells of it: for people. */
struct lay_host {
    uint64_t host;
    int64_t called_ns; /* its last call */
    int64_t rtt_ns;
    uint32_t waiting, leases;
    char name[64]; /* may lack its zero */
};

/* What we and the store know of a thing that all hosts share (mirror.c). */
struct lay_mirror {
    uint64_t version; /* of the store; 0: it has none */
    uint64_t hash;    /* of what is in this file, when both were the same */
};

struct lay_store {
    uint32_t state;  /* enum store_state */
    uint32_t leader; /* seat of the worker that speaks for this host */
    uint64_t epoch;  /* rises with each leader: older words do not count */
    uint64_t host;   /* our number there: random, this file's own */
    uint64_t run;    /* of the server that answered; even: not for long yet */
    uint64_t vv;     /* newest version of a value that we have */
    uint64_t calls;  /* number of the last call */
    uint64_t lines;  /* rises when somebody comes into a line or leaves it, */
    uint64_t lines_told; /* and as it was at the last call */
    int64_t beat_ns;     /* the leader's last sign */
    int64_t news_ns;     /* since when there is something to say; 0: nothing */
    int64_t since_ns;    /* when it got its state */
    int64_t call_ns;     /* the next call, at the latest */
    int64_t answer_ns;   /* when the last call that was answered was made */
    int64_t rtt_ns;      /* which took so long */
    int64_t told_ns;     /* when we asked for the list of hosts */
    int64_t full_ns;     /* all windows count as full until then */
    uint32_t stirred;    /* the leader has something to tell */
    uint32_t told_waiting; /* at the last call */
    uint32_t hosts;        /* that were there, with us */
    uint32_t share_on_loss;
    uint32_t ahead;       /* leases in hand while nobody waits */
    uint32_t leases_high; /* (d) no used one at or above it */
    uint32_t held;        /* (d) LEASE_HELD */
    uint32_t unsettled;   /* (d) LEASE_SENT, LEASE_BACK */
    uint32_t sync;        /* the store is to be told of all we have */
    uint32_t part;        /* lost: we have one, if it lasts */
    uint32_t was_alone;   /* sends went by no lease since the last answer */
    uint32_t n_hosts;     /* in that list */
};

#endif
