/*
 * A text that one worker writes once a second and all may read: the status
 * snapshot.
 */
#ifndef SLUICE_BOARD_H
#define SLUICE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/stats/sheets.h"

struct limiter;

/* Who looks after a text that may be FRESH_NS old?  False: the state is busy,
 * ask again.  Takes the lock only for a text that is older. */
MUST_USE bool limiter_board_ask(struct limiter *lim, int64_t fresh_ns,
                                int64_t now, enum board_state *out);
/* After BOARD_OURS: LEN bytes, at most BOARD_MAX.  False: as above, or it was
 * too late and another one does it. */
MUST_USE bool limiter_board_put(struct limiter *lim, const char *text,
                                size_t len);
/* Copies the text into TO[BOARD_MAX] without the lock.  False: there is none.
 * *NUMBER is another one for each text. */
MUST_USE bool limiter_board_read(struct limiter *lim, char *to, size_t *len,
                                 uint64_t *number);
/* The number of the text there is, and when the next one may be asked for. */
uint64_t limiter_board_number(struct limiter *lim, int64_t fresh_ns,
                              int64_t *next_ns);
/* How many look on at this worker. */
void limiter_board_viewers(struct limiter *lim, uint32_t n);

#endif
