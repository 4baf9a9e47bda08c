/*
 * What does an upstream's answer mean?  Nothing here does anything about it.
 */
#ifndef SLUICE_VERDICT_H
#define SLUICE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/upstream/upstream_error.h"

struct upstream_head;

enum verdict_kind {
    VERDICT_ANSWER = 0,    /* no error: pass it on */
    VERDICT_PENDING,       /* 202: poll for it, with nvcf-reqid */
    VERDICT_REDIRECT,      /* its bytes lie where `location` says */
    VERDICT_RATE,          /* too many requests: the scope retreats */
    VERDICT_BUSY,          /* this model has no worker: its ceiling sinks */
    VERDICT_OFF,           /* this model is off: bench it */
    VERDICT_MODEL_UNKNOWN, /* not granted or unknown: remember briefly */
    VERDICT_UNPAID,        /* credits are used up: hold the upstream */
    VERDICT_KEY,           /* the key is missing, wrong or not allowed */
    VERDICT_CLIENT,        /* the request's own fault: never back off */
    VERDICT_FAULT,         /* a passing fault: again, within retry.max */
    VERDICT_TIMEOUT,       /* a long call was given up: no blind repeat */
    VERDICT_KINDS,
};

/* Why a model is off; each has another bench where no time is given. */
enum verdict_off {
    VERDICT_OFF_NOT = 0,  /* it is not VERDICT_OFF */
    VERDICT_OFF_TIMED,    /* Retry-After is longer than a hold; off_ms > 0 */
    VERDICT_OFF_DEGRADED, /* 60 s, doubling to 15 min */
    VERDICT_OFF_GONE,     /* for good, so a day */
};

/*
 * An answer, or what is known of it; all is borrowed for the call.  Headers
 * that are not there are NULL.
 */
struct verdict_input {
    int status;
    const char *content_type;
    const char *retry_after, *retry_after_ms;
    const char *remaining_requests, *reset_requests; /* x-ratelimit-... */
    const char *remaining_tokens, *reset_tokens;
    const char *nvcf_reqid, *location;
    const char *coding; /* of the body, which says nothing then; NULL: none */

    const char *body; /* any bytes, no zero needed */
    size_t len;       /* of them; beyond WORDS_BYTES nothing is read */
    bool is_cut;      /* the body was longer, or broke off */
    bool is_stream;   /* BODY is the beginning of a 200 event stream, from its
                         first byte on: is there an error before content? */
    int64_t now_s;    /* seconds since 1970, for dates */
};

struct verdict {
    enum verdict_kind kind;
    int status;       /* for the client, if it is to see this error */
    int64_t retry_ms; /* the upstream's wish, 0..DELAY_MS_MAX; -1: none */
    int64_t off_ms;   /* VERDICT_OFF: for how long; -1: it did not say */
    enum verdict_off off;
    struct upstream_error_words
        words; /* the upstream's own; unset for the first three */
};

/* The headers of HEAD, which must live as long; body and time are unset. */
struct verdict_input verdict_input(const struct upstream_head *head);

/*
 * What the answer IN means, after the table in section 6 of the design.  The
 * body is read for statuses of 400 and more, and of a stream.
 */
void verdict_of(struct verdict *v, const struct verdict_input *in);

/* A 429 that asks for more than HOLD_MS, the longest that is held for one,
 * turns its model off instead: to wait for it is for the client to decide. */
void verdict_bound(struct verdict *v, int64_t hold_ms);

/* Can the body go to the client byte for byte?  (Then it should.) */
bool verdict_can_pass(const struct verdict *v);

/* Appends the error in OpenAI's shape, of one line and without its end. */
void verdict_write(struct buf *b, const struct verdict *v);

#endif
