/*
 * Who may send a body?  Asked from any thread.
 */
#ifndef SLUICE_GATE_H
#define SLUICE_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct gate;
struct request;

/* Bodies above MAX_BODY bytes are too large.  Without settings everybody may
 * come in. */
struct gate *gate_new(int64_t max_body);
void gate_free(struct gate *g);
/* CFG, borrowed, holds from now on; whoever frees the old one does so later. */
void gate_follow(struct gate *g, const struct config *cfg);
int64_t gate_max_body(const struct gate *g);

/* R's head has come.  Finds its route, and who sends it.  False: it is
 * refused, and R->fault says why; its body is of no use. */
bool gate_admits(struct gate *g, struct request *r);

#endif
