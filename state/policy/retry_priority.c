/*
 * retry_priority.c - which requests did we refuse or lose a moment ago, and
 * which did fail?
 *
 * A table of sets: a fingerprint belongs into one set, in which a new note
 * takes a free or expired place, else the oldest one's.  So a look is at two
 * cache lines, and one request that is refused over and over pushes out few
 * others.  What is forgotten too early costs somebody a place in line, or an
 * upstream two more tries: nothing here is ever worth a repair or a new file.
 *
 * A failure is a note like the others, under a number made from the request's.
 */
#include "state/policy/retry_priority.h"

#include "state/policy/layout.h"

#define FAILED 0x9e3779b97f4a7c15u /* any odd number: both may be noted */

static uint32_t set_of(uint64_t fingerprint)
{
    return (uint32_t)(fingerprint % LAY_RETRY_SETS * LAY_RETRY_WAYS);
}

static bool is_good(const struct lay_retry *s, int64_t now)
{
    return s->fingerprint != 0 && s->at_ns <= now &&
           s->at_ns >= now - RETRY_PRIORITY_NS;
}

void retry_priority_note(struct layout *lay, uint64_t fingerprint, int64_t at)
{
    struct lay_retry *set = &lay->retries[set_of(fingerprint)], *to = set;
    uint32_t i;

    if (fingerprint == 0)
        return;
    for (i = 0; i < LAY_RETRY_WAYS && is_good(to, at); i++)
        if (!is_good(&set[i], at) || set[i].at_ns < to->at_ns)
            to = &set[i];
    /* The time belongs to this fingerprint only: a writer that dies in between
     * leaves a free place. */
    __atomic_store_n(&to->fingerprint, 0, __ATOMIC_RELEASE);
    to->at_ns = at;
    __atomic_store_n(&to->fingerprint, fingerprint, __ATOMIC_RELEASE);
}

bool retry_priority_claim(struct layout *lay, uint64_t fingerprint, int64_t now)
{
    struct lay_retry *set = &lay->retries[set_of(fingerprint)];
    uint32_t i;

    if (fingerprint == 0)
        return false;
    for (i = 0; i < LAY_RETRY_WAYS; i++) {
        if (set[i].fingerprint != fingerprint || !is_good(&set[i], now))
            continue;
        __atomic_store_n(&set[i].fingerprint, 0, __ATOMIC_RELEASE);
        return true;
    }
    return false;
}

/* 0 stays 0: it stands for nothing. */
static uint64_t failure_of(uint64_t fingerprint)
{
    return fingerprint == 0 ? 0 : fingerprint ^ FAILED;
}

void retry_priority_failed(struct layout *lay, uint64_t fingerprint, int64_t at)
{
    retry_priority_note(lay, failure_of(fingerprint), at);
}

bool retry_priority_has_failed(const struct layout *lay, uint64_t fingerprint,
                               int64_t now)
{
    uint64_t failure = failure_of(fingerprint);
    const struct lay_retry *set = &lay->retries[set_of(failure)];
    uint32_t i;

    for (i = 0; failure != 0 && i < LAY_RETRY_WAYS; i++)
        if (set[i].fingerprint == failure && is_good(&set[i], now))
            return true;
    return false;
}

void retry_priority_rebuild(struct layout *lay, int64_t now)
{
    uint32_t i;

    for (i = 0; i < LAY_RETRIES; i++)
        if (!is_good(&lay->retries[i], now) ||
            set_of(lay->retries[i].fingerprint) !=
                i / LAY_RETRY_WAYS * LAY_RETRY_WAYS)
            lay->retries[i] = (struct lay_retry){0, 0};
}
