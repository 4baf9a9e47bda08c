/*
 * The practice upstream's own limiter: N requests in W.  Arithmetic only; it
 * knows no clock and no lock.
 */
#ifndef NIMSIM_WINDOW_H
#define NIMSIM_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many accepted hits as the sliding window can look back on. */
#define WINDOW_REQUESTS_MAX 100000

enum window_kind {
    WINDOW_FIXED = 0, /* NVCF: opens at a hit, counts refused hits too */
    WINDOW_SLIDING,   /* exact log of accepted hits */
    WINDOW_NONE,      /* accepts everything */
};

struct window {
    enum window_kind kind;
    int64_t requests; /* 1 .. WINDOW_REQUESTS_MAX */
    int64_t length_ns;

    bool is_open;      /* fixed: somebody has hit it since the reset */
    int64_t opened_ns; /* fixed */
    int64_t hits;      /* fixed: in the window opened at opened_ns */

    int64_t *accepted_ns; /* sliding: a ring of WINDOW_REQUESTS_MAX times */
    uint64_t accepted;    /* sliding: how many were ever written to it */
};

void window_init(struct window *w);
void window_fini(struct window *w);
void window_reset(struct window *w);

/* Counts one hit at NOW_NS, which must not go backwards.  True: accepted. */
bool window_hit(struct window *w, int64_t now_ns);

/*
 * How many hits more would be accepted at NOW_NS, and in how many ns the
 * next one would; 0: now.
 */
int64_t window_remaining(const struct window *w, int64_t now_ns);
int64_t window_reopens_ns(const struct window *w, int64_t now_ns);

const char *window_kind_name(enum window_kind kind);
bool window_kind_parse(enum window_kind *out, const char *name);

#endif
