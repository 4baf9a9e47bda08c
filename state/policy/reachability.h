/*
 * Does any upstream answer?  One worker asks, all know.
 *
 * The question itself is the callers' business; here are the lease on asking
 * and the last answer.  A lease ends with its time or its worker, whichever is
 * sooner.
 */
#ifndef SLUICE_REACHABILITY_H
#define SLUICE_REACHABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

enum probe_state {
    PROBE_KNOWN = 0,  /* an upstream was asked not long ago */
    PROBE_OURS = 1,   /* the caller is to ask, and to say limiter_probed() */
    PROBE_OTHERS = 2, /* another worker asks: look again in a moment */
};

struct limiter_probe_times {
    int64_t fresh_ns; /* for so long an answer is remembered */
    int64_t lease_ns; /* for so long nobody else asks */
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_reachability {
    uint32_t owner;   /* worker + 1; 0: nobody asks */
    uint32_t known;   /* 0: nothing; 1: no answer; 2: reachable */
    int64_t lease_ns; /* the end of the owner's time */
    int64_t known_ns; /* when it was known */
    uint32_t status;  /* of the answer, or 0 */
    uint32_t pad;
    char why
        [LIMITER_REASON_MAX]; /* there was no answer; "": its time was over */
};

/* Is the answer known, or who asks?  SELF is the caller's place; OWNER_LIVES,
 * of the one reachability_owner() names. */
enum probe_state reachability_ask(struct lay_reachability *p, uint32_t self,
                                  bool owner_lives,
                                  const struct limiter_probe_times *times,
                                  int64_t now);
/* The worker with the lease, or UINT32_MAX. */
uint32_t reachability_owner(const struct lay_reachability *p);
/* Did one answer, as it was known last? */
bool reachability_is_reachable(const struct lay_reachability *p);
/* What was answered, or why nothing was. */
struct reachability_word {
    bool reachable;
    uint16_t status;
    const char *why; /* one line; "" where nobody can say more than that */
};

/* What SELF was told; not if it has lost the lease. */
void reachability_answer(struct lay_reachability *p, uint32_t self,
                         const struct reachability_word *word, int64_t now);
/* WORKER is gone. */
void reachability_leave(struct lay_reachability *p, uint32_t worker);
void reachability_rebuild(struct lay_reachability *p, int64_t now);

#endif
