/*
 * Answers of our own: heads, JSON, OpenAI-shaped errors.
 */
#ifndef SLUICE_REPLY_H
#define SLUICE_REPLY_H

#include <stdint.h>

#include "buf.h"

struct request;

struct reply_error {
    int status;
    const char *code; /* sluice_..., a literal */
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

/* Retry-After (whole seconds, 1..60) and retry-after-ms, unless MS is -1;
 * x-should-retry, unless RETRY is -1. */
void reply_retry_headers(struct buf *b, int64_t ms, int retry);
/* {"error":{"message","type","param","code"}} */
void reply_error_json(struct buf *b, const struct reply_error *e);

const char *reply_reason(int status);
/* OpenAI's own words for the kind of error that STATUS, 400..599, is. */
const char *reply_error_type(int status);

#endif
