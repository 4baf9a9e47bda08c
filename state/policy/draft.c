/*
 * draft.c - several words that belong together: how do they change as one?
 *
 * They are written beside their place first.  One store (`n`) says that the
 * draft is whole; from then on whoever repairs finishes what was begun.  For
 * what answers and operators change (holds, ejections, limits, pauses, rules):
 * a hold with the number of the new one and the state of before would believe
 * no refusal.  Rows, names, workers and the log of sends have an order of their
 * own stores instead, because they change all the time.
 */
#include "state/policy/draft.h"

#include <string.h>

#include "state/policy/layout.h"

/* Heads, flags and counters are never drafts. */
#define FIRST offsetof(struct layout, rules)

void draft_put(struct layout *lay, void *to, const void *from, size_t n)
{
    struct lay_draft *d = &lay->draft;
    size_t at = (size_t)((char *)to - (char *)lay);

    CHECK(n <= sizeof(d->bytes) && at >= FIRST && at <= sizeof(*lay) - n);
    if (memcmp(to, from, n) == 0)
        return;
    memcpy(d->bytes, from, n);
    d->at = (uint32_t)at;
    __atomic_store_n(&d->n, (uint32_t)n, __ATOMIC_SEQ_CST);
    memcpy(to, from, n);
    __atomic_store_n(&d->n, 0, __ATOMIC_SEQ_CST);
}

void draft_repair(struct layout *lay)
{
    struct lay_draft *d = &lay->draft;

    if (d->n == 0)
        return;
    if (d->n > sizeof(d->bytes) || d->at < FIRST || d->at > sizeof(*lay) - d->n)
        sigbus_damaged("a change that was begun");
    memmove((char *)lay + d->at, d->bytes, d->n);
    __atomic_store_n(&d->n, 0, __ATOMIC_SEQ_CST);
}
