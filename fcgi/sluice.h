/*
 * All of one worker hangs on this struct: made in main(), passed down.
 */
#ifndef SLUICE_SLUICE_H
#define SLUICE_SLUICE_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/config/bounds.h"
#include "lib/loop.h"

struct accept;
struct adopt;
struct config;
struct events;
struct exchange;
struct leading;
struct key_ask;
struct limiter;
struct log;
struct models;
struct notify;
struct ready;
struct upstream;

/* A model whose end was announced, and when that was logged last. */
struct deprecated {
    char model[MODEL_MAX];
    int64_t said_s; /* since 1970 */
};

#define DEPRECATED_MAX 16

/* A model at an upstream that will not have what we write into a request
 * (refused_fields.c). */
struct refused_fields {
    char model[MODEL_MAX];
    uint32_t upstream;
    unsigned fields;
    int64_t until_ns; /* 0: no such row */
};

#define REFUSED_FIELDS_MAX 64

/* Of what arrives of streams; gather.c. */
struct gathered {
    int pieces;      /* in this step */
    int64_t in_span; /* in the present span of time */
    int64_t span_ns; /* which began then */
    int64_t busy_ns; /* until then there are many of them */
};

struct sluice {
    struct config
        *cfg; /* replaced between two steps: keep no pointer into it */
    struct log *log;
    struct loop *loop;
    struct limiter *lim;
    struct upstream *up;
    struct accept *accept;
    struct adopt *adopt;
    struct models *models;
    const struct listed *listed; /* by models.c; NULL: nothing is known */
    struct ready *ready;
    struct key_ask *key_ask;
    struct events *events;
    struct leading *leading; /* NULL: no store is shared */
    struct notify *notify;   /* NULL: no service manager */
    struct loop_watch limiter_watch, signal_watch;
    struct loop_timer limiter_timer, drain_timer, log_timer;
    int64_t fresh_ns;   /* so old may a status snapshot be */
    int64_t expired_ns; /* when slow senders were looked for */
    int64_t busy_ns;    /* when a ticket was there last */
    struct gathered gather;
    bool rested;   /* since then */
    bool turn_due; /* the limiter has something for us */
    bool draining;
    bool paused;                /* as we know it */
    struct exchange *exchanges; /* all of them */
    struct exchange *dirty;     /* those with bytes to flush */
    uint32_t n_exchanges;
    uint32_t n_unconnected; /* of them, those not heard of by an upstream */
    uint32_t n_free;        /* of them, those that go on without a slot */
    struct deprecated deprecated[DEPRECATED_MAX];
    struct refused_fields refused[REFUSED_FIELDS_MAX];
};

#endif
