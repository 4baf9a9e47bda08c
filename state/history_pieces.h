/*
 * Records of the history on their way to the disk, or from it.
 */
#ifndef SLUICE_HISTORY_PIECES_H
#define SLUICE_HISTORY_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "state/history_rows.h"
#include "state/stats/trail_file.h"

struct history_file_item;
struct stats_layout;

#define HISTORY_PIECE 400 /* records in one turn: 97 KB */

struct history_pieces {
    struct history_file_item *items; /* all so far */
    uint32_t n;
    struct history_file_item *piece; /* of this turn */
    uint32_t n_piece;
    /* The same of the trails, TRAILS at most for each place. */
    struct trail_item *trails, *trail_piece;
    uint32_t n_trails, n_trail_piece;
    struct trail_names names; /* those there are */
    uint32_t at, trail_at;    /* what is to be added next */
    uint32_t ring; /* the next record to be copied: its ring and its time */
    int64_t next_s, from_s, to_s;
    bool rings_copied, all_copied;
    struct history_rows rows; /* the same of the ledgers */
    uint32_t asides;          /* files that were set aside just now */
};

/* From FROM_S to TO_S, both included, all rings. */
void history_pieces_begin(struct history_pieces *p, int64_t from_s,
                          int64_t to_s);
/* Room for a piece; before the lock. */
void history_pieces_room(struct history_pieces *p);
/* Needs the lock.  HISTORY_PIECE places at most are looked at. */
void history_pieces_copy(struct history_pieces *p,
                         const struct stats_layout *st);
/* The piece joins the others; after the lock. */
void history_pieces_keep(struct history_pieces *p);
/* From all files of the directory, or from none, for a thread: VAULT_FAILED.
 * One that was set aside costs the others nothing. */
MUST_USE enum vault_result history_pieces_read(struct history_pieces *p,
                                               const char *dir,
                                               int64_t until_ns, char *msg,
                                               size_t msg_max);
/* To all; to be done again where one is new or not well. */
MUST_USE enum vault_result history_pieces_write(struct history_pieces *p,
                                                const char *dir,
                                                int64_t until_ns, char *msg,
                                                size_t msg_max);
/* Needs the lock.  Adds some of what was read; true: that was the last. */
MUST_USE bool history_pieces_fill(struct history_pieces *p,
                                  struct stats_layout *st);
void history_pieces_drop(struct history_pieces *p);

#endif
