/*
 * limit.c - does this limit let one more pass, and when the next?
 *
 * A kind is a row of the table at the end.  What a limit remembers is what its
 * kind in the real world would: a window and a count, a log, a level.
 */
#include "limit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base.h"

static uint32_t left_of(uint32_t size, uint32_t used)
{
    return used < size ? size - used : 0;
}

/* ---- windows that open and end ---------------------------------------------- */

static bool fixed_is_open(const struct limit *l, int64_t now)
{
    return l->used > 0 && now - l->opened_ns < l->spec.window_ns;
}

static bool fixed_take(struct limit *l, int64_t now)
{
    if (!fixed_is_open(l, now)) {
        l->opened_ns = now;
        l->used = 0;
    }
    return ++l->used <= l->spec.size;
}

static uint32_t fixed_left(struct limit *l, int64_t now)
{
    return left_of(l->spec.size, fixed_is_open(l, now) ? l->used : 0);
}

static int64_t window_opens(struct limit *l, int64_t now)
{
    return limit_left(l, now) > 0 ? now : l->opened_ns + l->spec.window_ns;
}

static void clock_roll(struct limit *l, int64_t now)
{
    int64_t began = now - now % l->spec.window_ns;

    if (began == l->opened_ns)
        return;
    l->opened_ns = began;
    l->used = 0;
}

static bool clock_take(struct limit *l, int64_t now)
{
    clock_roll(l, now);
    return ++l->used <= l->spec.size;
}

static uint32_t clock_left(struct limit *l, int64_t now)
{
    clock_roll(l, now);
    return left_of(l->spec.size, l->used);
}

/* ---- the last window -------------------------------------------------------- */

static void log_add(struct limit *l, int64_t t)
{
    if (l->first + l->n == l->cap && l->first > l->cap / 2) {
        memmove(l->log, l->log + l->first, l->n * sizeof(*l->log));
        l->first = 0;
    }
    if (l->first + l->n == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : 64;
        l->log = realloc(l->log, l->cap * sizeof(*l->log));
        CHECK(l->log != NULL);
    }
    l->log[l->first + l->n++] = t;
}

/* A hit that is a whole window old counts no more. */
static void log_expire(struct limit *l, int64_t now)
{
    while (l->n > 0 && now - l->log[l->first] >= l->spec.window_ns) {
        l->first++;
        l->n--;
    }
}

static bool sliding_take(struct limit *l, int64_t now)
{
    bool passes;

    log_expire(l, now);
    passes = l->n < l->spec.size;
    if (passes || l->spec.kind == LIMIT_SLIDING_ALL)
        log_add(l, now);
    return passes;
}

static uint32_t sliding_left(struct limit *l, int64_t now)
{
    log_expire(l, now);
    return left_of(l->spec.size, (uint32_t)l->n);
}

static int64_t sliding_opens(struct limit *l, int64_t now)
{
    if (sliding_left(l, now) > 0)
        return now;
    return l->log[l->first + l->n - l->spec.size] + l->spec.window_ns;
}

/* ---- tokens ------------------------------------------------------------------ */

static void bucket_roll(struct limit *l, int64_t now)
{
    int64_t full = l->spec.burst * l->spec.window_ns;
    int64_t past = min_i64(now - l->opened_ns, full / l->spec.size + 1);

    l->level = min_i64(l->level + past * l->spec.size, full);
    l->opened_ns = now;
}

static bool bucket_take(struct limit *l, int64_t now)
{
    bucket_roll(l, now);
    if (l->level < l->spec.window_ns)
        return false;
    l->level -= l->spec.window_ns;
    return true;
}

static uint32_t bucket_left(struct limit *l, int64_t now)
{
    bucket_roll(l, now);
    return (uint32_t)(l->level / l->spec.window_ns);
}

static int64_t bucket_opens(struct limit *l, int64_t now)
{
    bucket_roll(l, now);
    if (l->level >= l->spec.window_ns)
        return now;
    return now +
           (l->spec.window_ns - l->level + l->spec.size - 1) / l->spec.size;
}

/* ---- in flight ---------------------------------------------------------------- */

static bool at_once_take(struct limit *l, int64_t now)
{
    (void)now;
    if (l->used >= l->spec.size)
        return false;
    l->used++;
    return true;
}

static uint32_t at_once_left(struct limit *l, int64_t now)
{
    (void)now;
    return left_of(l->spec.size, l->used);
}

static int64_t at_once_opens(struct limit *l, int64_t now)
{
    return l->used < l->spec.size ? now : NEVER;
}

/* ---- the table ------------------------------------------------------------------ */

static const struct {
    bool (*take)(struct limit *l, int64_t now);
    uint32_t (*left)(struct limit *l, int64_t now);
    int64_t (*opens)(struct limit *l, int64_t now);
} kinds[LIMIT_KINDS] = {
    [LIMIT_FIXED] = {fixed_take, fixed_left, window_opens},
    [LIMIT_CLOCK] = {clock_take, clock_left, window_opens},
    [LIMIT_SLIDING] = {sliding_take, sliding_left, sliding_opens},
    [LIMIT_SLIDING_ALL] = {sliding_take, sliding_left, sliding_opens},
    [LIMIT_BUCKET] = {bucket_take, bucket_left, bucket_opens},
    [LIMIT_AT_ONCE] = {at_once_take, at_once_left, at_once_opens},
};

static bool is_shut(const struct limit *l)
{
    return l->spec.kind != LIMIT_NONE && l->spec.size == 0;
}

void limit_init(struct limit *l, const struct limit_spec *spec, int64_t now)
{
    memset(l, 0, sizeof(*l));
    l->spec = *spec;
    l->opened_ns = now;
    l->level = spec->burst * spec->window_ns;
}

void limit_fini(struct limit *l)
{
    free(l->log);
    l->log = NULL;
}

bool limit_take(struct limit *l, int64_t now)
{
    if (l->spec.kind == LIMIT_NONE)
        return true;
    return !is_shut(l) && kinds[l->spec.kind].take(l, now);
}

void limit_release(struct limit *l)
{
    if (l->spec.kind == LIMIT_AT_ONCE && l->used > 0)
        l->used--;
}

uint32_t limit_left(struct limit *l, int64_t now)
{
    if (l->spec.kind == LIMIT_NONE)
        return UINT32_MAX;
    return is_shut(l) ? 0 : kinds[l->spec.kind].left(l, now);
}

int64_t limit_opens_ns(struct limit *l, int64_t now)
{
    if (l->spec.kind == LIMIT_NONE)
        return now;
    return is_shut(l) ? NEVER : kinds[l->spec.kind].opens(l, now);
}
