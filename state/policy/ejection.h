/*
 * For how long is a model, or an upstream that nobody pays for, left alone?
 */
#ifndef SLUICE_EJECTION_H
#define SLUICE_EJECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

/* Part of the shared file: see ejection_is_sane(). */
struct ejection {
    int64_t until_ns; /* 0: none */
    uint64_t grant;   /* what was granted up to this one is older than it */
    uint32_t streak;  /* ejections since the last fine answer */
    uint16_t cause;   /* enum ejection_cause; read it with the call below */
    uint16_t pad;
    char reason[LIMITER_REASON_MAX];
};

struct ejection_answer {
    uint64_t grant, last_grant; /* the request's number, the newest there is */
    int64_t retry_after_ns;     /* -1: none given */
    enum ejection_cause cause;
    const char *reason;
};

bool ejection_is_sane(const struct ejection *b, int64_t now);
/* False: the answer is older than the ejection there is. */
bool ejection_begin(struct ejection *b, const struct ejection_answer *what,
                    int64_t now);
/* GRANT was answered well: the next ejection is a first one again. */
void ejection_answered(struct ejection *b, uint64_t grant);
/* Its time is over, or an operator says so. */
void ejection_end(struct ejection *b);

static inline bool ejection_is_on(const struct ejection *b, int64_t now)
{
    return b->until_ns > now;
}

/* Why it began: one fact has one face, also for those that come later.  Noise
 * in the file is EJECTED_UNAVAILABLE. */
enum ejection_cause ejection_cause(const struct ejection *b);

#endif
