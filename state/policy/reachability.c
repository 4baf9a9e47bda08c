/*
 * reachability.c - does any upstream answer, and who asks?
 *
 * A worker that is killed while it asks is found out by its byte lock, one that
 * is stopped by the end of its lease.
 */
#include "state/policy/reachability.h"

#include <string.h>

#define NOBODY UINT32_MAX

enum { KNOWN_NOT = 0, KNOWN_NO = 1, KNOWN_YES = 2 };

uint32_t reachability_owner(const struct lay_reachability *p)
{
    return p->owner >= 1 && p->owner <= LIMITER_WORKERS ? p->owner - 1 : NOBODY;
}

bool reachability_is_reachable(const struct lay_reachability *p)
{
    return p->known == KNOWN_YES;
}

enum probe_state reachability_ask(struct lay_reachability *p, uint32_t self,
                                  bool owner_lives,
                                  const struct limiter_probe_times *times,
                                  int64_t now)
{
    uint32_t owner = reachability_owner(p);

    /* Another worker's step may have begun later than ours: what it wrote lies
     * a moment ahead.  Farther ahead than it could have meant is noise. */
    if (p->known != KNOWN_NOT && p->known_ns < now + times->fresh_ns &&
        p->known_ns > now - times->fresh_ns)
        return PROBE_KNOWN;
    if (owner != NOBODY && owner != self && owner_lives && p->lease_ns > now &&
        p->lease_ns < now + 2 * times->lease_ns)
        return PROBE_OTHERS;
    p->lease_ns = now + times->lease_ns;
    __atomic_store_n(&p->owner, self + 1, __ATOMIC_RELEASE);
    return PROBE_OURS;
}

void reachability_answer(struct lay_reachability *p, uint32_t self,
                         const struct reachability_word *word, int64_t now)
{
    if (reachability_owner(p) != self)
        return; /* stopped for too long: another one asks now */
    /* Else what was known before would be known as of now. */
    __atomic_store_n(&p->known, KNOWN_NOT, __ATOMIC_SEQ_CST);
    p->known_ns = now;
    p->status = word->status;
    memset(p->why, 0, sizeof(p->why));
    memcpy(p->why, word->why, strnlen(word->why, sizeof(p->why) - 1));
    __atomic_store_n(&p->known, word->reachable ? KNOWN_YES : KNOWN_NO,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&p->owner, 0, __ATOMIC_RELEASE);
}

void reachability_leave(struct lay_reachability *p, uint32_t worker)
{
    if (reachability_owner(p) == worker)
        __atomic_store_n(&p->owner, 0, __ATOMIC_RELEASE);
}

void reachability_rebuild(struct lay_reachability *p, int64_t now)
{
    if (p->owner > LIMITER_WORKERS)
        p->owner = 0;
    if (p->known > KNOWN_YES || p->known_ns < 0 || p->known_ns > now ||
        p->status > 999)
        p->known = p->status = 0;
    p->why[sizeof(p->why) - 1] = '\0';
}
