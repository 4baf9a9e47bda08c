/*
 * Rows of the ledgers on their way to the disk, or from it: as history_pieces.h,
 * which does what is to be done with them.
 */
#ifndef SLUICE_HISTORY_ROWS_H
#define SLUICE_HISTORY_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/stats/ledger_file.h"

#define HISTORY_ROWS 400 /* looked at in one turn: 51 KB */

struct history_rows {
    struct ledger_past of[LEDGERS]; /* all so far */
    struct ledger_item *piece;      /* of this turn */
    uint32_t n_piece;
    /* The next row to be looked at is the one below NUMBER; newest first. */
    uint32_t ledger, pool, idle;
    uint64_t number;
    int64_t from_s, to_s;
    bool all_copied;
    /* What is to be added next; ROOM is for ledger_fill_begin(). */
    uint32_t fill_ledger, fill_at;
    struct lay_ledger_row *room;
};

/* Those of moments from FROM_S to TO_S; of FROM_S <= 1 all. */
void history_rows_begin(struct history_rows *p, int64_t from_s, int64_t to_s);
/* Room for a piece; before the lock. */
void history_rows_room(struct history_rows *p);
/* Needs the lock. */
void history_rows_copy(struct history_rows *p, const struct lay_ledger *l);
/* The piece joins the others; after the lock. */
void history_rows_keep(struct history_rows *p);
/* Needs the lock.  Adds some of what was read; true: that was the last. */
MUST_USE bool history_rows_fill(struct history_rows *p, struct lay_ledger *l);
void history_rows_drop(struct history_rows *p);

#endif
