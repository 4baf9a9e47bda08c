/*
 * What does an upstream's answer mean?  Nothing here does anything about it.
 */
#ifndef SLUICE_VERDICT_H
#define SLUICE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi/upstream/upstream_error.h"
#include "state/stats/outcomes.h"

struct upstream_head;

/*
 * Each kind, and all that follows from it:
 *   what it means to the limiter; which bench, where it is one (OFF: see
 *   verdict.cause); what it says of our key; which error of the upstream is
 *   counted; the outcome of a request that it ends; what the client is asked
 *   then (x-should-retry: 0 false, -1 not said).
 * Whose model, route or key it is can make it milder (follow_up.c).
 *
 * A new kind is a row here, what finds it in verdict.c, what is done about it
 * in follow_up.c, and a row in tests/spine/verdicts.c: CONTRIBUTING.md has all
 * of it, and who names what is forgotten.
 */
#define VERDICT_LIST(X)                                                        \
    /* no error: pass it on */                                                 \
    X(VERDICT_ANSWER, "answer", ANSWER_FINE, EJECTED_NOT, KEY_ACCEPTED,        \
      UPSTREAM_FINE, OUTCOME_OK, -1)                                           \
    /* 202: poll for it, with nvcf-reqid */                                    \
    X(VERDICT_PENDING, "pending", ANSWER_FINE, EJECTED_NOT, KEY_ACCEPTED,      \
      UPSTREAM_FINE, OUTCOME_OK, -1)                                           \
    /* its bytes lie where `location` says */                                  \
    X(VERDICT_REDIRECT, "redirect", ANSWER_FINE, EJECTED_NOT, KEY_ACCEPTED,    \
      UPSTREAM_FINE, OUTCOME_OK, 0)                                            \
    /* too many requests: the scope retreats */                                \
    X(VERDICT_RATE, "rate", ANSWER_RATE, EJECTED_NOT, KEY_UNTOLD,              \
      UPSTREAM_RATE, OUTCOME_RATE, -1)                                         \
    /* this model has no worker: its ceiling sinks */                          \
    X(VERDICT_BUSY, "busy", ANSWER_BUSY, EJECTED_NOT, KEY_UNTOLD,              \
      UPSTREAM_BUSY, OUTCOME_RATE, -1)                                         \
    /* too much is asked of it by all: patience, and no bound on tries */      \
    X(VERDICT_OVERLOADED, "overloaded", ANSWER_BUSY, EJECTED_NOT, KEY_UNTOLD,  \
      UPSTREAM_BUSY, OUTCOME_RATE, -1)                                         \
    /* this model is off: bench it */                                          \
    X(VERDICT_OFF, "off", ANSWER_OFF, EJECTED_UNAVAILABLE, KEY_UNTOLD,         \
      UPSTREAM_OFF, OUTCOME_OFF, 0)                                            \
    /* not granted or unknown: remember briefly */                             \
    X(VERDICT_MODEL_UNKNOWN, "unknown model", ANSWER_OFF, EJECTED_UNKNOWN,     \
      KEY_UNTOLD, UPSTREAM_UNKNOWN, OUTCOME_CLIENT_ERROR, 0)                   \
    /* credits are used up: hold the upstream */                               \
    X(VERDICT_UNPAID, "unpaid", ANSWER_UNPAID, EJECTED_UNPAID, KEY_UNTOLD,     \
      UPSTREAM_UNPAID, OUTCOME_OFF, 0)                                         \
    /* the key is missing, wrong or not allowed */                             \
    X(VERDICT_KEY, "key", ANSWER_FINE, EJECTED_NOT, KEY_REFUSED, UPSTREAM_KEY, \
      OUTCOME_CLIENT_ERROR, -1)                                                \
    /* the request's own fault: never back off */                              \
    X(VERDICT_CLIENT, "client", ANSWER_FINE, EJECTED_NOT, KEY_UNTOLD,          \
      UPSTREAM_CLIENT, OUTCOME_CLIENT_ERROR, -1)                               \
    /* this request can never pass, whoever waits; others can */               \
    X(VERDICT_NEVER, "never", ANSWER_FINE, EJECTED_NOT, KEY_UNTOLD,            \
      UPSTREAM_CLIENT, OUTCOME_CLIENT_ERROR, 0)                                \
    /* a passing fault: again, within retry.max */                             \
    X(VERDICT_FAULT, "fault", ANSWER_FAULT, EJECTED_NOT, KEY_UNTOLD,           \
      UPSTREAM_SERVER, OUTCOME_UPSTREAM_ERROR, -1)                             \
    /* a long call was given up: no blind repeat */                            \
    X(VERDICT_TIMEOUT, "timeout", ANSWER_FAULT, EJECTED_NOT, KEY_UNTOLD,       \
      UPSTREAM_TIMEOUT, OUTCOME_UPSTREAM_ERROR, 0)

enum verdict_kind { VERDICT_LIST(LIST_KIND) VERDICT_KINDS };

/* A row of that list. */
struct verdict_row {
    const char *name;
    enum limiter_answer answer;
    enum ejection_cause cause;
    enum key_word key;
    enum upstream_error error;
    enum outcome outcome;
    int retry;
};

extern const struct verdict_row verdict_rows[VERDICT_KINDS];

/*
 * An answer, or what is known of it; all is borrowed for the call.  Headers
 * that are not there are NULL.
 */
struct verdict_input {
    int status;
    const char *content_type;
    const char *retry_after, *retry_after_ms;
    const char *date; /* when the upstream's clock says that it answered */
    const char *remaining_requests, *reset_requests; /* x-ratelimit-... */
    const char *remaining_tokens, *reset_tokens;     /* the first as others call
                                                    it, too */
    const char *nvcf_reqid, *location;
    const char *coding; /* of the body, which says nothing then; NULL: none */

    const char *body; /* any bytes, no zero needed */
    size_t len;       /* of them; beyond WORDS_BYTES nothing is read */
    bool is_cut;      /* the body was longer, or broke off */
    bool is_json;     /* BODY is that of a 200 which should be an answer in
                         JSON: is it an error instead? */
    bool is_stream;   /* BODY is the beginning of a 200 event stream, from its
                         first byte on: is there an error before content? */
    int64_t now_s;    /* seconds since 1970, for dates */
};

struct verdict {
    enum verdict_kind kind;
    int status;          /* for the client, if it is to see this error */
    int64_t retry_ms;    /* the upstream's wish, 0..DELAY_MS_MAX; -1: none */
    int64_t off_ms;      /* VERDICT_OFF: for how long; -1: it did not say */
    int64_t tokens_left; /* in its window, it says, up to 2^40; -1: it does
                            not */
    enum ejection_cause cause; /* of a bench, or EJECTED_NOT */
    struct upstream_error_words
        words; /* the upstream's own; unset for the first three */
};

/* The headers of HEAD, which must live as long; body and time are unset. */
struct verdict_input verdict_input(const struct upstream_head *head);

/*
 * What the answer IN means.  The body is read for statuses of 400 and more, of a
 * stream, and of JSON.
 */
void verdict_of(struct verdict *v, const struct verdict_input *in);

/*
 * What asks for more than a minute is waited out in line, as far as any
 * request here may wait: WAIT_MS, or for a 429 HOLD_MS, the longest that is
 * held for one, if that is more.  Beyond that it turns its model off: to wait
 * for it is for the client to decide.
 */
void verdict_bound(struct verdict *v, int64_t wait_ms, int64_t hold_ms);

/* Can the body go to the client byte for byte?  (Then it should.) */
bool verdict_can_pass(const struct verdict *v);

#endif
