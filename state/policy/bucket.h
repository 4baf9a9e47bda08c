/*
 * A token bucket in whole numbers.  A token is WINDOW_NS units and REQUESTS
 * units arrive each nanosecond, so nothing is ever rounded away.
 */
#ifndef SLUICE_BUCKET_H
#define SLUICE_BUCKET_H

#include <stdint.h>

#define BUCKET_DEBT_MAX 12288 /* as many as there are rows, each of weight 1 */

struct bucket {
    int64_t level; /* units, at most burst * window_ns <= 8.7e17; below zero
                      only when the burst was lowered under open requests,
                      and then by BUCKET_DEBT_MAX tokens at most */
    int64_t at_ns; /* when the level was true */
};

struct bucket_rule {
    int64_t window_ns; /* up to 86,400 s */
    int64_t requests;  /* 1..10,000, tokens a window */
    int64_t burst;     /* 1..requests, tokens at most */
};

void bucket_init(struct bucket *b, const struct bucket_rule *r, int64_t now);
/* Brings the level up to NOW; a time before the last one adds nothing. */
void bucket_fill(struct bucket *b, const struct bucket_rule *r, int64_t now);
/* Takes WEIGHT tokens, there or not: the request went. */
void bucket_charge(struct bucket *b, const struct bucket_rule *r,
                   uint64_t weight, int64_t now);
/* Time from NOW until N tokens are there, if none is taken: 0 if they are.
 * N may exceed the burst when others are taken in between. */
int64_t bucket_wait_ns(const struct bucket *b, const struct bucket_rule *r,
                       int64_t now, int64_t n);
/* The same tokens under another rule. */
void bucket_convert(struct bucket *b, const struct bucket_rule *from,
                    const struct bucket_rule *to);
int64_t bucket_tokens_milli(const struct bucket *b,
                            const struct bucket_rule *r);

#endif
