/*
 * Answers that are no proper HTTP, straight onto the socket.
 */
#ifndef NIMSIM_WIRE_H
#define NIMSIM_WIRE_H

#include <stdbool.h>

struct behaviour;
struct request;

/* Does the answer have to go past the library? */
bool wire_is_wanted(const struct behaviour *how);

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
