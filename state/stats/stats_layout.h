/*
 * stats_layout.h - which bytes are in the statistics file?
 *
 *   head      as the state file's, of a layout of its own
 *   live      a flag, and which state file's lock all of this is under
 *   counters  what all workers did, a number for each kind
 *   tally     what has become of requests so far
 *   history   what was when
 *   trails    and what of it went to each upstream
 *   ledgers   and what each model, and each client, did
 *   board     the status snapshot
 *
 * Nothing of it decides anything: a new counter, noise or the loss of the whole
 * file costs numbers, never a window, a place in line or a hold.
 *
 * Structs that callers see are not the file's bytes: they are copied at the
 * border (counters_told(), sums_tell(), ...), so that one may change without the
 * other.
 */
#ifndef SLUICE_STATS_LAYOUT_H
#define SLUICE_STATS_LAYOUT_H

#include <assert.h>
#include <stdint.h>

#include "state/policy/lay_head.h"
#include "state/stats/ledger.h"
#include "state/stats/outcomes.h"
#include "state/stats/rings.h"
#include "state/stats/sheets.h"
#include "state/stats/tally.h"
#include "state/stats/trails.h"

#define STATS_NAME    "sluice.stats"
#define STATS_MAGIC   "SLUSTAT\n"
#define STATS_VERSION 5

struct lay_stats_live {
    struct lay_flag flag;
    /* When the state file was made whose lock this is written under: of two
     * that are in use for a moment the newer one.  Places of workers are those
     * of its workers. */
    int64_t under_ns;
};

struct lay_counters {
    LIMITER_COUNTERS(LIMITER_ONE, LIMITER_MANY)
};

struct stats_layout {
    struct lay_head head;
    struct lay_stats_live live;
    struct lay_counters counters;
    struct lay_tally tally;
    struct lay_history history;
    struct lay_trails trails;
    struct lay_ledger ledgers[LEDGERS];
    struct lay_board board;
};

/* Room is taken for all of it when the file is made: half of it is ledgers. */
static_assert(sizeof(struct stats_layout) < 16 << 20, "some MB at most");

#endif
