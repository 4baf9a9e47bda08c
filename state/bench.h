/*
 * For how long is a model, or an upstream that nobody pays for, left alone?
 */
#ifndef SLUICE_BENCH_H
#define SLUICE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "limiter.h"

/* Part of the shared file: see bench_is_sane(). */
struct bench {
    int64_t until_ns; /* 0: none */
    uint64_t grant;   /* what was granted up to this one is older than it */
    uint32_t streak;  /* benches since the last fine answer */
    uint16_t status;  /* of the answer that began it */
    uint16_t pad;
    char reason[LIMITER_REASON_MAX];
};

struct bench_answer {
    uint64_t grant, last_grant; /* the request's number, the newest there is */
    int64_t retry_after_ns;     /* -1: none given */
    uint16_t status;
    const char *reason;
};

bool bench_is_sane(const struct bench *b, int64_t now);
/* False: the answer is older than the bench there is. */
bool bench_begin(struct bench *b, const struct bench_answer *what, int64_t now);
/* GRANT was answered well: the next bench is a first one again. */
void bench_answered(struct bench *b, uint64_t grant);
/* Its time is over, or an operator says so. */
void bench_end(struct bench *b);

static inline bool bench_is_on(const struct bench *b, int64_t now)
{
    return b->until_ns > now;
}

/* What its requests are answered with: 402, 404, 410, 429 or 503. */
uint16_t bench_status(const struct bench *b);

#endif
