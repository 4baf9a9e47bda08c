/*
 * Answers that are no proper HTTP, straight onto the socket.
 */
#ifndef NIMSIM_WIRE_H
#define NIMSIM_WIRE_H

#include <stdbool.h>

#include "faults.h"

struct request;

/* Is FAULT one of those below? */
bool wire_is_fault(enum fault fault);

/* Puts the raw answer into R->out; the body it may wrap is there already. */
void wire_prepare(struct request *r);

enum wire_result {
    WIRE_BLOCKED = 0, /* the socket is full; come again */
    WIRE_DONE,        /* sent and shut; drop the connection */
};
enum wire_result wire_write(struct request *r);

/* Answers with a TCP reset and nothing else. */
void wire_reset(struct request *r);

/* Ends what we send, so that the client reads a clean end of file. */
void wire_shut(struct request *r);

#endif
