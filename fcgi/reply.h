/*
 * Answers of our own: heads, JSON, OpenAI-shaped errors.
 */
#ifndef SLUICE_REPLY_H
#define SLUICE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi/error_code.h"
#include "lib/buf.h"

struct request;
struct upstream_error_words;
struct upstream_head;

struct reply_error {
    int status;
    enum error_code code;
    int64_t retry_ms; /* when to come back; -1: do not say */
    int retry;        /* x-should-retry: 1 true, 0 false, -1 not said */
    char message[384];
};

/* The head of an answer up to, but without, its blank line: "Status: ..." as
 * CGI has it (RFC 3875, 6.3), and X-Request-Id. */
void reply_head(struct buf *b, const struct request *r, int status,
                const char *content_type);
void reply_header(struct buf *b, const char *name, const char *value);
void reply_header_int(struct buf *b, const char *name, int64_t value);

/*
 * The upstream's headers that mean something beyond its connection, each that
 * can be there only once, once.  RETRY as below: where we say whether to try
 * again, the upstream does not.  IS_THEIRS: so is the body; fields that describe
 * it are left out where we write another.
 */
void reply_their_headers(struct buf *b, const struct upstream_head *h,
                         int retry, bool is_theirs);
/* Is its Retry-After a date, which does not pass?  Ours takes its place. */
bool reply_hides_delay(const struct upstream_head *h);
/* Does the upstream tell of its own window of requests? */
bool reply_has_window(const struct upstream_head *h);

/* Retry-After (whole seconds) and retry-after-ms, unless MS is -1;
 * x-should-retry, unless RETRY is -1.  At most 60 s, unless nobody is to try
 * again: then it is when that would be of use. */
void reply_retry_headers(struct buf *b, int64_t ms, int retry);
/* {"error":{"message","type","param","code"}} */
void reply_error_json(struct buf *b, const struct reply_error *e);

/* The same of an upstream's own error, for STATUS, the client's. */
void reply_their_error(struct buf *b, const struct upstream_error_words *w,
                       int status);
/* Its kind, as they call it or else as OpenAI would. */
const char *reply_their_type(const struct upstream_error_words *w, int status);
/* CODE as its list has it, with no message. */
struct reply_error reply_error_of(enum error_code code);

const char *reply_reason(int status);
/* OpenAI's own words for the kind of error that STATUS, 400..599, is. */
const char *reply_error_type(int status);

#endif
