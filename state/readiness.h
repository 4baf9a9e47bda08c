/*
 * Does any upstream answer?  One worker asks, all know.
 *
 * The question itself is the callers' business; here are the lease on asking
 * and the last answer.  A lease ends with its time or its worker, whichever is
 * sooner.
 */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/limiter.h"

struct layout;

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_probe {
    uint32_t owner;   /* worker + 1; 0: nobody asks */
    uint32_t known;   /* 0: nothing; 1: no answer; 2: reachable */
    int64_t lease_ns; /* the end of the owner's time */
    int64_t known_ns; /* when it was known */
    uint32_t status;  /* of the answer, or 0 */
    uint32_t pad;
    uint16_t keys[LIMITER_UPSTREAMS]; /* 401, 403: what it thinks of our key */
};

/* Is the answer known, or who asks?  SELF is the caller's place; OWNER_LIVES,
 * of the one probe_owner() names. */
enum probe_state probe_ask(struct lay_probe *p, uint32_t self, bool owner_lives,
                           const struct limiter_probe_times *times,
                           int64_t now);
/* The worker with the lease, or UINT32_MAX. */
uint32_t probe_owner(const struct lay_probe *p);
/* What SELF was told; not if it has lost the lease. */
void probe_answer(struct lay_probe *p, uint32_t self, bool reachable,
                  uint16_t status, int64_t now);
/* WORKER is gone. */
void probe_leave(struct lay_probe *p, uint32_t worker);
/* UPSTREAM answered a request that bore its key with STATUS. */
void probe_key(struct lay_probe *p, uint32_t upstream, uint16_t status);
void probe_rebuild(struct lay_probe *p, int64_t now);

#endif
