/*
 * A client's key, and what goes with it.
 */
#ifndef SLUICE_CLIENT_KEY_H
#define SLUICE_CLIENT_KEY_H

#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "fcgi/config/key_text.h"

#define CLIENTS_LIST_MAX 1024 /* as many as the state file has rows for */

struct client_key {
    char name[CLIENT_MAX]; /* unique; printable */
    unsigned char hash[KEY_HASH];
    int64_t priority;         /* enum limiter_class */
    int64_t weight;           /* 1..1,000 */
    int64_t requests_per_min; /* 0..10,000; 0: no limit of its own */
    int64_t tokens_per_min;   /* 0..2e9, in and out; 0: no limit of its own */
    int64_t tokens_per_day;   /* 0..1e12; the same */
    int64_t queue_max;        /* 0: queue.per_client; else to 4,096 */
    int64_t made_at;          /* seconds since 1970; 0: the settings name it */
    int64_t expires_at;       /* the same; 0: never */
    unsigned given;           /* members that were named, as bits */
};

/* One of a list that is put in another order. */
struct client_ref {
    const struct client_key *key;
};

#endif
