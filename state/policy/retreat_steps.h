/*
 * The steps of a retreat that a refusal (retreat.c) and what passes (recovery.c)
 * have in common.
 */
#ifndef SLUICE_RETREAT_STEPS_H
#define SLUICE_RETREAT_STEPS_H

#include "lib/base.h"
#include "state/policy/retreat_form.h"

#define LUCK_MOST 0.35 /* a larger share is no luck */

static inline uint32_t at_least_one(uint32_t n)
{
    return n > 0 ? n : 1;
}

/* The state last: a writer that dies before it has changed nothing. */
static inline void enter(struct retreat *r, enum retreat_state state,
                         int64_t now)
{
    r->since_ns = now;
    __atomic_store_n(&r->state, (uint32_t)state, __ATOMIC_RELEASE);
}

static inline void learn(struct retreat *r, enum learned what, int64_t now)
{
    r->learned = what;
    r->learned_ns = now;
}

static inline void recover(struct retreat *r, const struct retreat_rule *u,
                           int64_t now)
{
    r->until_ns = now + u->window_ns + u->margin_ns;
    enter(r, RETREAT_RECOVERING, now);
}

static inline double luck_share(const struct retreat *r)
{
    double share = chance_share(&r->luck);

    return share < LUCK_MOST ? share : 0;
}

/* As many as we believe in, evenly. */
static inline int64_t own_gap(const struct retreat_rule *u)
{
    return (u->window_ns + u->margin_ns) / at_least_one(u->requests);
}

static inline void find_end(struct retreat *r)
{
    finding_end(&r->find);
    r->probe_id = 0;
}

static inline bool is_older(const struct retreat *r, uint64_t grant)
{
    return r->grant > 0 && grant <= r->grant;
}

#endif
