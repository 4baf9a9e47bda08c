/*
 * The CGI heads of answers, ours and the upstream's.
 */
#ifndef SLUICE_PASSED_HEADERS_H
#define SLUICE_PASSED_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct exchange;
struct upstream_head;

/* An error, ours or the upstream's, on its way to the client. */
struct relay_error {
    int status;
    const struct buf *json; /* one line */
    int64_t retry_ms;       /* -1: do not say */
    int retry;              /* x-should-retry: 1 true, 0 false, -1 not said */
    const struct upstream_head *head; /* of its answer; NULL: it is ours */
    bool is_coded; /* JSON is none, but what the upstream sent, compressed */
    const char *message, *type, *code; /* as JSON has them; CODE "": none */
};

/* Of a 200 that is sent before anything is known: whole. */
void heads_of_wait(struct buf *b, const struct exchange *x);
/* Of the upstream's answer H, without its length and the blank line. */
void heads_of_answer(struct buf *b, const struct exchange *x,
                     const struct upstream_head *h);
/* Of an error: whole. */
void heads_of_error(struct buf *b, const struct exchange *x,
                    const struct relay_error *e);

#endif
