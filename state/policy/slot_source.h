/*
 * slot_source.h - who says that a scope may send?
 *
 * A slot is the right to send one request.  Where it comes from is a matter of
 * the scope: from the window of its own log (local_slots.c), or, with a store
 * for several machines, from what that has lent to this one.  Whoever hands
 * slots out asks here, and so does whoever uses one or gives it back:
 *
 *   slots.c     have(), and want() while somebody waits and there is none
 *   row.c       take(), and then exactly one of sent() and back()
 *   verdicts.c  verdict()
 *   view.c      have(), for people
 *
 *           row_offer, row_grant           row_sent
 *   have --------> take ------------------------> sent --> verdict
 *     |                \------> back                (the upstream's answer)
 *     +--> want          row_revoke, _aside, _again, _leave
 *
 * What a source may do: read and change the shared file, which is memory.  All
 * of it is called under the lock, and must cost no more than a few hundred
 * nanoseconds: no file, no socket, no allocation, no log line.  What it has to
 * say to others is said after the lock is gone, by whoever owns the connection.
 *
 * Whoever was killed under the lock may have said half of it.  So what is taken
 * is known by the rows alone: those that are offered or open (repair.c).
 *
 * Times are nanoseconds of CLOCK_BOOTTIME.  What a request takes of the limits
 * is a struct take.
 */
#ifndef SLUICE_SLOT_SOURCE_H
#define SLUICE_SLOT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/take.h"
#include "state/policy/vocabulary.h"

struct layout;

/* lay_scope.source; in the file, so all workers see the same. */
enum slot_source_kind {
    SLOTS_LOCAL = 0,
    SLOTS_SHARED = 1, /* what a store has lent: leased_slots.c */
    SLOT_SOURCES = 2,
};

struct slot_source {
    const char *name;
    /* Is there a slot for one that takes WHAT now?  Takes nothing.  If not, *WHEN is
     * the earliest time there could be, or NEVER while only an event (a write,
     * an end, a message) can bring one.  The scope's log is refreshed. */
    bool (*have)(struct layout *lay, uint32_t scope, struct take what,
                 int64_t now, int64_t *when);
    /* Somebody waits in SCOPE who would go if there were one, and have() said
     * no until WHEN.  Who it is, queue.h tells.  Said again in every turn. */
    void (*want)(struct layout *lay, uint32_t scope, int64_t when, int64_t now);
    /* ROW, for which have() said yes just now, has it: it is about to become
     * offered or open.  It ends with sent() or back(). */
    void (*take)(struct layout *lay, uint32_t row, int64_t now);
    /* ROW is open in its scope and never asked: it comes from a lost file, or
     * from another scope.  It counts as one that has a slot, and ends so. */
    void (*adopt)(struct layout *lay, uint32_t row);
    /* ROW's last byte was on the wire AT, between its grant and now.  It is
     * about to be sent, and in the log, which is the scope's whoever gives its
     * slots. */
    void (*sent)(struct layout *lay, uint32_t row, int64_t at);
    /* ROW, offered or open, has no use for it: no byte of it was written. */
    void (*back)(struct layout *lay, uint32_t row);
    /* ROW, which was sent, was answered as REP says, and SCOPE, its own or its
     * model's, answers for that.  True: that changed whether it may send
     * (retreat.h). */
    bool (*verdict)(struct layout *lay, uint32_t scope, uint32_t row,
                    const struct limiter_report *rep, int64_t now);
};

/* Of SCOPE. */
const struct slot_source *slot_source_of(struct layout *lay, uint32_t scope);

/* SOURCE is the one of KIND from now on, in this process; NULL: there is none,
 * and a file that names it is damaged.  Returns what was there. */
const struct slot_source *slot_source_set(enum slot_source_kind kind,
                                          const struct slot_source *source);

#endif
