/*
 * How a field of the shared file comes into a view.
 */
#ifndef SLUICE_VIEW_COPY_H
#define SLUICE_VIEW_COPY_H

#include <stdlib.h>
#include <string.h>

#include "state/policy/ejection.h"
#include "state/view_form.h"

/* How long ago T was; 0: never, or in the future. */
static inline int64_t view_since(int64_t now, int64_t t)
{
    return t > 0 && t < now ? now - t : 0;
}

/* Texts of the shared file may lack their zero. */
static inline void view_name(char to[LIMITER_NAME_MAX], const char *from)
{
    size_t n = strnlen(from, LIMITER_NAME_MAX - 1);

    memcpy(to, from, n);
    to[n] = '\0';
}

static inline void view_reason(char to[LIMITER_REASON_MAX], const char *from)
{
    memcpy(to, from, LIMITER_REASON_MAX);
    to[LIMITER_REASON_MAX - 1] = '\0';
}

static inline void view_bench(struct view_bench *v, int64_t now,
                              const struct ejection *e)
{
    v->ends_ns = -1;
    if (e->until_ns == 0)
        return;
    v->ends_ns = max_i64(e->until_ns - now, 0);
    v->streak = e->streak;
    v->cause = ejection_cause(e);
    view_reason(v->reason, e->reason);
}

struct layout;

/* Of SCOPE, which may be a model's (view_learned.c). */
void view_retreat_copy(struct layout *lay, uint32_t scope, int64_t now,
                       struct view_retreat *v);
void view_learned_copy(struct layout *lay, uint32_t scope, int64_t now,
                       struct view_learned *v);

/* Of the store that several hosts share (view_store.c). */
void view_store_copy(const struct layout *lay, int64_t now,
                     struct view_store *v);

/* Room for all there can be: nothing is allocated under the lock, and pages
 * that are not used cost nothing. */
static inline void *view_room(size_t n, size_t size)
{
    void *p = calloc(n, size);

    CHECK(p != NULL);
    return p;
}

#endif
