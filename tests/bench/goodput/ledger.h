/*
 * What was counted within the last window, and the most that ever was in one.
 *
 * Time is an argument and never goes back.
 */
#ifndef SLUICE_GOODPUT_LEDGER_H
#define SLUICE_GOODPUT_LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct ledger_entry {
    int64_t at_ns;
    uint32_t n;
};

struct ledger {
    int64_t window_ns; /* what is as old as this counts no more */
    struct ledger_entry *log;
    size_t first, n, cap; /* N entries from FIRST on, oldest first */
    uint64_t sum, most;
};

void ledger_init(struct ledger *l, int64_t window_ns);
void ledger_fini(struct ledger *l);
void ledger_add(struct ledger *l, uint32_t n, int64_t now);
uint64_t ledger_sum(struct ledger *l, int64_t now);
/* When will the sum be AT_MOST, if nothing is added?  NOW: it is. */
int64_t ledger_falls_ns(struct ledger *l, uint64_t at_most, int64_t now);

#endif
