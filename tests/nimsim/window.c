/*
 * window.c - may this arrival pass?
 *
 * Both kinds keep what they have seen when N or W change at run time, so a
 * test that tightens the limiter in mid-flight gets no second helping.
 */
#include "window.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [WINDOW_FIXED] = "fixed",
    [WINDOW_SLIDING] = "sliding",
    [WINDOW_NONE] = "none",
};

void window_init(struct window *w)
{
    *w = (struct window){.requests = 40, .length_ns = 60 * INT64_C(1000000000)};
    w->accepted_ns = calloc(WINDOW_REQUESTS_MAX, sizeof(*w->accepted_ns));
    if (w->accepted_ns == NULL)
        abort();
}

void window_fini(struct window *w)
{
    free(w->accepted_ns);
    w->accepted_ns = NULL;
}

void window_reset(struct window *w)
{
    w->is_open = false;
    w->hits = 0;
    w->accepted = 0;
}

static bool fixed_hit(struct window *w, int64_t now_ns)
{
    if (!w->is_open || now_ns - w->opened_ns >= w->length_ns) {
        w->is_open = true;
        w->opened_ns = now_ns;
        w->hits = 0;
    }
    w->hits++;
    return w->hits <= w->requests;
}

static bool sliding_hit(struct window *w, int64_t now_ns)
{
    uint64_t n = (uint64_t)w->requests;

    if (w->accepted >= n) {
        uint64_t oldest = (w->accepted - n) % WINDOW_REQUESTS_MAX;

        /* Half-open: a hit exactly W after the oldest is a new window's. */
        if (now_ns - w->accepted_ns[oldest] < w->length_ns)
            return false;
    }
    w->accepted_ns[w->accepted % WINDOW_REQUESTS_MAX] = now_ns;
    w->accepted++;
    return true;
}

bool window_hit(struct window *w, int64_t now_ns)
{
    switch (w->kind) {
    case WINDOW_FIXED:
        return fixed_hit(w, now_ns);
    case WINDOW_SLIDING:
        return sliding_hit(w, now_ns);
    case WINDOW_NONE:
        return true;
    }
    abort();
}

int64_t window_remaining(const struct window *w, int64_t now_ns)
{
    uint64_t i;
    int64_t used = 0;

    if (w->kind == WINDOW_NONE)
        return w->requests;
    if (w->kind == WINDOW_FIXED)
        used = w->is_open && now_ns - w->opened_ns < w->length_ns ? w->hits : 0;
    for (i = w->accepted; w->kind == WINDOW_SLIDING && i > 0; i--) {
        if (used == w->requests ||
            now_ns - w->accepted_ns[(i - 1) % WINDOW_REQUESTS_MAX] >=
                w->length_ns)
            break;
        used++;
    }
    return used < w->requests ? w->requests - used : 0;
}

int64_t window_reopens_ns(const struct window *w, int64_t now_ns)
{
    uint64_t oldest = w->accepted - (uint64_t)w->requests;

    if (window_remaining(w, now_ns) > 0)
        return 0;
    if (w->kind == WINDOW_FIXED)
        return w->opened_ns + w->length_ns - now_ns;
    return w->accepted_ns[oldest % WINDOW_REQUESTS_MAX] + w->length_ns - now_ns;
}

const char *window_kind_name(enum window_kind kind)
{
    return kind_names[kind];
}

bool window_kind_parse(enum window_kind *out, const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *out = (enum window_kind)i;
            return true;
        }
    }
    return false;
}
