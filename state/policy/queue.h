/*
 * The fair queue: start-time fair queuing in virtual time, two levels deep.
 *
 *   scope --> class (16 : 4 : 1) --> flow (a client, by share) --> rows, FIFO
 *
 * At each level the one with the smallest start goes; start = max(V, finish)
 * when it gets something to send, finish = start + 1/share, and V is the
 * start of the last one granted.  (P. Goyal, H. Vin, H. Cheng: "Start-time
 * fair queuing", SIGCOMM 1996.)
 */
#ifndef SLUICE_QUEUE_H
#define SLUICE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "state/policy/vocabulary.h"

struct layout;
struct openings;

/* Gives ROW (its scope, cls, client, share and arrival are set) its place in
 * line.  False: no room for another flow. */
bool queue_insert(struct layout *lay, uint32_t row);
/* Takes a row out of its line; costs its client nothing. */
void queue_remove(struct layout *lay, uint32_t row);

/* The same of ROW, whose turn was used by a refusal: of those of its client that
 * wait for its model it is the first again, and the last of them comes LAST; so who
 * waits for other models has his turns.  LAST is a new arrival. */
bool queue_insert_refused(struct layout *lay, uint32_t row, int64_t last);
/* The arrival that puts ROW, not in line yet, to the head of its client's line
 * in its class: behind those that are there for the same reason.  0: nobody
 * waits there. */
int64_t queue_head_arrival(struct layout *lay, uint32_t row);

/* The row that goes next, leaving out those that may not go now (eligible.h), or
 * NONE. */
uint32_t queue_best(struct layout *lay, uint32_t scope);
/* Whose turn it is: the same, or one that is blocked for the moment and is owed
 * the slot; for that one it is to be kept. */
uint32_t queue_turn(struct layout *lay, uint32_t scope);
/* The same of a line that several share, for one of the slots that are OPEN. */
uint32_t queue_best_of(struct layout *lay, uint32_t scope,
                       struct openings *open);
uint32_t queue_turn_of(struct layout *lay, uint32_t scope,
                       struct openings *open);
/* A slot is kept for ROW, in line: it is charged now, not when it goes. */
void queue_keep(struct layout *lay, uint32_t row);
void queue_keep_no_longer(struct layout *lay, uint32_t row);
/* Takes the row out and charges its flow and class for one request. */
void queue_charge(struct layout *lay, uint32_t row);
/* Takes the charge back: the request did not go.  The row is not in line. */
void queue_refund(struct layout *lay, uint32_t row);

/* Lines, flow lists and hash chains again, from the rows and flows alone. */
void queue_rebuild(struct layout *lay);

#endif
