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

/* Gives ROW (its scope, cls, client, share and arrival are set) its place in
 * line.  False: no room for another flow. */
bool queue_insert(struct layout *lay, uint32_t row);
/* Takes a row out of its line; costs its client nothing. */
void queue_remove(struct layout *lay, uint32_t row);

/* The arrival that puts ROW, not in line yet, to the head of its client's line
 * in its class: behind those that are there for the same reason.  0: nobody
 * waits there. */
int64_t queue_head_arrival(struct layout *lay, uint32_t row);

/* The row that goes next, leaving out those that may not go now (eligible.h), or
 * NONE. */
uint32_t queue_best(struct layout *lay, uint32_t scope);
/* Takes the row out and charges its flow and class for one request. */
void queue_charge(struct layout *lay, uint32_t row);
/* Takes the charge back: the request did not go.  The row is not in line. */
void queue_refund(struct layout *lay, uint32_t row);

/* Lines, flow lists and hash chains again, from the rows and flows alone. */
void queue_rebuild(struct layout *lay);

#endif
