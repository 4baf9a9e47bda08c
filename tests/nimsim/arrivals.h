/*
 * The log of arrivals, from which a test proves what the upstream saw.
 */
#ifndef NIMSIM_ARRIVALS_H
#define NIMSIM_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;

#define SHA256_LEN 32

enum arrival_verdict {
    ARRIVAL_ACCEPTED = 0,
    ARRIVAL_REFUSED,      /* by the limiter */
    ARRIVAL_UNAUTHORIZED, /* before the limiter: it was not charged */
    ARRIVAL_POLL,         /* never meets it, as does */
    ARRIVAL_RESULT,       /* what a 302 led to */
};

/* One evaluated request.  Long strings are cut, at whole characters. */
struct arrival {
    uint64_t seq; /* 1, 2, 3, ... since the start or the last reset */
    int64_t t_ns; /* never decreases from one arrival to the next */
    char method[16];
    char path[128]; /* as it came, still encoded, query included */
    char model[128];
    char request_id[128];
    char fault[128];          /* in a model name's words; "": none was given */
    const char *fault_by;     /* who asked for it: a literal */
    char poll_seconds[16];    /* NVCF-POLL-SECONDS; "": not sent */
    char accept_encoding[32]; /* the same of Accept-Encoding */
    enum arrival_verdict verdict;
    int status; /* 0: nothing that is HTTP will be answered */
    bool stream;
    bool has_auth;
    bool has_request_id;
    uint64_t body_bytes;
    int64_t tokens; /* that it takes; 0: none, or nobody counts */
    unsigned char body_sha256[SHA256_LEN];
    unsigned char auth_sha256[SHA256_LEN]; /* valid if has_auth */
};

struct arrivals;

/* Keeps the newest MAX arrivals.  The caller owns the result. */
struct arrivals *arrivals_new(size_t max);
void arrivals_free(struct arrivals *log);
void arrivals_clear(struct arrivals *log);

/* The number of the next arrival to be added. */
uint64_t arrivals_next(const struct arrivals *log);

/* Copies *A and gives it its number. */
void arrivals_add(struct arrivals *log, const struct arrival *a);

size_t arrivals_kept(const struct arrivals *log);
uint64_t arrivals_dropped(const struct arrivals *log);

/* How many accepted arrivals named MODEL. */
uint64_t arrivals_of_model(const struct arrivals *log, const char *model);

/*
 * The most arrivals in any half-open window of LENGTH_NS: all that the
 * limiter or the key check saw, or only those that were accepted.
 */
size_t arrivals_max_in(const struct arrivals *log, int64_t length_ns,
                       bool only_accepted);

/* The most tokens in any such window, and those of the one before NOW_NS. */
int64_t arrivals_max_tokens(const struct arrivals *log, int64_t length_ns);
int64_t arrivals_tokens_in(const struct arrivals *log, int64_t length_ns,
                           int64_t now_ns);

/* Adds a JSON array of the arrivals whose seq is above SINCE. */
void arrivals_write(const struct arrivals *log, uint64_t since,
                    struct text *out);

/* Copies S, cut to SIZE at a whole UTF-8 character. */
void arrivals_copy(char *dst, size_t size, const char *s);

#endif
