/*
 * How many were sent in each of the last windows?
 */
#ifndef SLUICE_TREND_H
#define SLUICE_TREND_H

#include <stdbool.h>
#include <stdint.h>

#define TREND_BARS 120

struct ctl;
struct limiter_view;

struct trend {
    uint64_t bars[TREND_BARS]; /* the oldest first, the last one not yet over */
    bool known[TREND_BARS];    /* somebody counted then */
    int n;
    int64_t step_ns; /* of one bar */
    /* Without a history: counted by whoever looks. */
    bool is_own;
    uint64_t sent_before;
    int64_t step_began_ns, asked_ns;
};

/* Once a page, at NOW: asks for the history now and then, which may take two
 * seconds where no worker answers; then not again for a while. */
void trend_look(struct trend *t, struct ctl *c, const struct limiter_view *v,
                int64_t now);

#endif
