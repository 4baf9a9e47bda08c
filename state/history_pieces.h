/*
 * Records of the history on their way to the disk, or from it.
 */
#ifndef SLUICE_HISTORY_PIECES_H
#define SLUICE_HISTORY_PIECES_H

#include <stdbool.h>
#include <stdint.h>

struct history_file_item;
struct lay_history;

#define HISTORY_PIECE 400 /* records in one turn: 97 KB */

struct history_pieces {
    struct history_file_item *items; /* all so far */
    uint32_t n;
    struct history_file_item *piece; /* of this turn */
    uint32_t n_piece;
    uint32_t ring; /* the next record to be copied: its ring and its time */
    int64_t next_s, from_s, to_s;
    bool all_copied;
};

/* From FROM_S to TO_S, both included, all rings. */
void history_pieces_begin(struct history_pieces *p, int64_t from_s,
                          int64_t to_s);
/* Room for a piece; before the lock. */
void history_pieces_room(struct history_pieces *p);
/* Needs the lock.  HISTORY_PIECE places at most are looked at. */
void history_pieces_copy(struct history_pieces *p, const struct lay_history *h);
/* The piece joins the others; after the lock. */
void history_pieces_keep(struct history_pieces *p);
void history_pieces_drop(struct history_pieces *p);

#endif
