/*
 * A text that one worker writes once a second and all may read.
 */
#ifndef SLUICE_SHEETS_H
#define SLUICE_SHEETS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

#define BOARD_MAX (256 * 1024)

enum board_state {
    BOARD_FRESH = 0,  /* no older than was asked for */
    BOARD_OURS = 1,   /* the caller is to write it: limiter_board_put() */
    BOARD_OTHERS = 2, /* another worker writes it: look again in a moment */
};

/* One of two: while one is written the other is read. */
struct lay_sheet {
    uint64_t turn; /* odd while it is written */
    uint64_t number;
    uint32_t len;
    uint32_t pad;
    char text[BOARD_MAX];
};

/* Part of the shared file: nothing in it is believed without a look. */
struct lay_board {
    uint32_t owner;   /* worker + 1 that writes the next one; 0: none */
    uint32_t current; /* the sheet to be read */
    int64_t lease_ns; /* the end of the owner's time */
    int64_t built_ns; /* when the last one was begun */
    uint64_t builds;  /* how many there were */
    uint32_t viewers[LIMITER_WORKERS];
    struct lay_sheet sheets[2];
};

/* All but board_read() needs the lock.  SELF is a worker's place. */

/* Is there a text of the last FRESH_NS, or who writes it? */
enum board_state board_ask(struct lay_board *b, uint32_t self, bool owner_lives,
                           int64_t fresh_ns, int64_t now);
/* The worker with the lease, or UINT32_MAX. */
uint32_t board_owner(const struct lay_board *b);
/* Puts up SELF's text, unless it has lost the lease. */
bool board_put(struct lay_board *b, uint32_t self, const char *text,
               size_t len);
/* WORKER is gone. */
void board_leave(struct lay_board *b, uint32_t worker);
/* Places are those of another file: nobody looks on, nobody writes. */
void board_move(struct lay_board *b);
/* After a crash: what cannot be is made sound. */
void board_rebuild(struct lay_board *b, int64_t now);

/* Copies the text there is; false: none, or it was being written. */
bool board_read(const struct lay_board *b, char *to, size_t *len,
                uint64_t *number);

#endif
